"""Whether the panel is in its usual state, beside answering at all."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

from probing import need, shell

HOME = Path("/usr/local/interworx")
STATE = Path("/var/lib/interworx-stand-in")
UPGRADE = re.compile(r"upgrade step|upgrade failed", re.IGNORECASE)


def nothing_stored(name: str) -> None:
    path = STATE / f"{name}.json"
    need(not path.is_file(), path.read_text()[:200] if path.is_file() else "")


def maintenance_marks() -> None:
    """No file and no setting of the panel has the word maintenance in its name."""
    found = [str(path) for path in (HOME / "var").rglob("*maint*")]
    found += re.findall(r"^\S*maintenance\S*=.*", (HOME / "iworx.ini").read_text(), re.MULTILINE)
    need(not found, ", ".join(found))


def first_run() -> None:
    need('firstrun="0"' in (HOME / "iworx.ini").read_text(), "the first run has not been finished")


def upgrade_log() -> None:
    for name in ("iworx.log", "iworx-init.log"):
        found = [line for line in (HOME / "var/log" / name).read_text().splitlines() if UPGRADE.search(line)]
        need(not found, found[-1] if found else "")


def cli_form() -> None:
    """The panel's command line answers in the form that it usually has."""
    text = shell("timeout 3 nodeworx -u -n -c Overview -a listVersion -o json </dev/null")
    need(list(json.loads(text)[0]) == ["version"], text[:200])


def assistance() -> None:
    text = shell("timeout 3 nodeworx -u -n -c Help -a querySsh -o json </dev/null")
    need(json.loads(text)[0]["mode"] == "1", text[:200])


PANEL: dict[str, Callable[[], object]] = {
    "panel-banners": lambda: nothing_stored("banners"),
    "panel-health": lambda: nothing_stored("health"),
    "panel-marks": maintenance_marks,
    "panel-first-run": first_run,
    "panel-upgrade-log": upgrade_log,
    "panel-cli-form": cli_form,
    "remote-assistance": assistance,
}
