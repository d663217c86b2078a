"""Recorded runs of dnf: the log of one, as the parsers give it and as a fact."""

from pathlib import Path

from iwx_agent.model import PackageLog, PackageRun
from iwx_agent.parsers.dnf_log import parse_dnf_log
from iwx_agent.parsers.dnf_rpm_log import parse_dnf_rpm_log, with_rpm_log

TRANSCRIPTS = Path(__file__).parents[1] / "parsers" / "captures" / "dnf"
READ_AT = 1_795_450_000.0  # 2026-11-23T16:06:40Z, half an hour after the runs


def text(name: str, file: str) -> str:
    path = TRANSCRIPTS / name / file
    return path.read_text() if path.exists() else ""


def runs(name: str) -> tuple[PackageRun, ...]:
    """Return the runs of a transcript, with what rpm said in them."""
    told = parse_dnf_rpm_log(text(name, "dnf.rpm.log"), source="dnf.rpm.log")
    return with_rpm_log(parse_dnf_log(text(name, "dnf.log"), source="dnf.log"), told)


def package_log(*found: PackageRun, read_at: float = READ_AT) -> PackageLog:
    return PackageLog(
        runs=found,
        sources=("dnf.log",),
        read_at=read_at,
        covered_from_at=None,
        panel_packages=("interworx", "interworx-*", "iworx*"),
        panel_repositories=("interworx*", "iworx*"),
    )
