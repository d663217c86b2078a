"""The terminal made from built reports: what stands where, and that nothing hostile passes through."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from building import AT, finding, incident, report, report_host, result
from hostile import HOSTILE, everywhere
from rich.console import Console

from iwx_agent.model import (
    Evidence,
    IncidentState,
    Priority,
    Report,
    Scope,
    Severity,
    Status,
    Verdict,
)
from iwx_agent.rendering.terminal import print_report

DISK = finding(
    "SYSTEM-001",
    "/var",
    severity=Severity.ERROR,
    scope=Scope.PROVIDER,
    title="The file system /var is full",
    detail="/var has 0 bytes free of 20.0 GiB; mail, databases and the panel write to it.",
    remedy=(
        "df -h /var",
        "du -xh --max-depth=2 /var | sort -h | tail -n 20",
        "Free some space, then look again.",
    ),
    evidence=(Evidence(source="statvfs /var", text="0 bytes available"),),
    touches=("mail", "database", "panel"),
)
DATABASE = finding(
    "PANEL-040",
    "panel database",
    title="The panel's database is down",
    evidence=(Evidence(source="unix /usr/local/interworx/mysql/iworx-db.sock (refused)", text="refused"),),
)
NODEWORX = finding("PANEL-004", title="NodeWorx answers with an error: HTTP 500")
FULL_DISK = report(
    incident(
        DISK,
        DATABASE,
        NODEWORX,
        since_at=AT - timedelta(hours=2),
        since_source="/var/log/messages:4711",
    ),
    incident(
        finding("WEB-031", "example.com", severity=Severity.WARNING, title="A certificate expires in 6 days"),
        state=IncidentState.OPEN,
    ),
    incident(finding("SSH-002", "sshd", severity=Severity.NOTE, remedy=()), state=IncidentState.OPEN),
    verdict=Verdict(
        priority=Priority.URGENT,
        emergency=True,
        reasons=(
            "Urgent: The panel's database is down (PANEL-040), confirmed by a second look.",
            "The cause, /var (SYSTEM-001), is outside the vendor's scope: turn to the provider first.",
            "1 checks could not tell: dns.server.",
        ),
    ),
    results=(
        result(DISK, check_id="system.disk_space"),
        result(check_id="mail.smtp"),
        result(check_id="dns.server", status=Status.UNKNOWN, reason="name_server: no answer within 3 s"),
    ),
)


def screen(made: Report, *, width: int = 100, verbose: bool = False) -> str:
    out = io.StringIO()
    print_report(
        made, Console(file=out, width=width, highlight=False, emoji=False, markup=False), verbose=verbose
    )
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_as_a_whole(width: int, golden: Callable[[str, str], None]) -> None:
    golden(f"terminal-{width}.txt", screen(FULL_DISK, width=width))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("rendered", [screen, lambda made: screen(made, verbose=True)])
def test_hostile_text_reaches_no_output_raw(text: str, rendered: Callable[[Report], str]) -> None:
    told = rendered(everywhere(text))
    for raw in ("\x1b", "\x07", "\r", "\x00", "\u2028", "\u202e", "\u2066", "\ud800"):
        assert raw not in told
    assert len(told) < 60_000
    told.encode()


def test_markup_of_the_console_is_text() -> None:
    assert "[bold red]markup[/bold red] :skull:" in screen(everywhere(HOSTILE[7]), width=400)
    coloured = io.StringIO()
    print_report(
        everywhere(HOSTILE[8]),
        Console(file=coloured, force_terminal=True, highlight=False, emoji=False, markup=False),
    )
    assert "\x1b]8" not in coloured.getvalue()


# The screen


def test_nothing_wrong() -> None:
    told = screen(report())
    assert "Nothing wrong" in told
    assert "(1 check ok)" in told
    assert "ticket: iwx-agent ticket" not in told


def test_nothing_found_but_not_everything_seen() -> None:
    unknown = [result(check_id=f"a.b{n}", status=Status.UNKNOWN, reason="why") for n in range(6)]
    made = report(
        results=tuple(unknown),
        verdict=Verdict(priority=None, emergency=False, reasons=("6 checks could not tell: x.",)),
    )
    told = screen(made)
    assert "Nothing found, but not everything could be seen" in told
    assert "6 checks could not tell:" in told
    assert "a.b3 (unknown): why" in told
    assert "a.b4" not in told
    assert "and 2 more" in told
    assert "a.b5 (unknown): why" in screen(made, verbose=True)


def test_problems_without_an_emergency() -> None:
    made = report(
        incident(finding(severity=Severity.ERROR), state=IncidentState.OPEN),
        verdict=Verdict(priority=Priority.MEDIUM, emergency=False, reasons=("Medium: broken.",)),
    )
    told = screen(made)
    assert "1 problem, no emergency" in told
    assert "suggested priority: Medium" in told
    assert "Medium: broken." in told


def test_one_emergency_alone_has_no_other_problems() -> None:
    made = report(incident(finding()), verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=()))
    assert "1 EMERGENCY" in screen(made)
    assert "other problem" not in screen(made)


def test_many_incidents_and_many_consequences_are_counted_not_all_shown() -> None:
    many = [incident(finding(f"A-{n:03}"), *(finding(f"B-{m:03}") for m in range(6))) for n in range(14)]
    made = report(*many, verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=()))
    told = screen(made)
    assert "14 EMERGENCIES" in told
    assert "- and 2 more" in told
    assert "A-009" in told
    assert "A-010" not in told
    assert "and 4 more: iwx-agent diagnose --verbose" in told
    verbose = screen(made, verbose=True)
    assert "A-013" in verbose
    assert "- and" not in verbose


def test_a_machine_without_a_panel_and_a_run_without_root_are_said() -> None:
    made = report(
        host=report_host(panel_home="", panel_version="", as_root=False, addresses=(), fqdn=""),
        results=(result(status=Status.NOT_APPLICABLE, reason="no panel"), result(check_id="x.y")),
    )
    told = screen(made)
    assert "No InterWorx panel found here: 1 check not applicable." in told
    assert "Not run as root" in told
    assert told.startswith("iwx1 · 2026-11-23")
    assert "not_applicable panel.nodeworx" in screen(made, verbose=True)


def test_an_incident_without_a_step_shows_none() -> None:
    bare = incident(finding(remedy=(), evidence=()))
    assert "do next" not in screen(report(bare))


def test_a_remark_of_a_step_stands_behind_it() -> None:
    made = report(incident(finding(remedy=("systemctl restart x   # the panel only",))))
    assert "1. systemctl restart x  # the panel only" in screen(made)
