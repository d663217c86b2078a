"""Where the lab keeps its things on the machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parents[1]
DEFAULT_NAME = "iwx1"


def home() -> Path:
    """The state directory: `$IWXLAB_HOME`, else /var/lib/iwxlab."""
    return Path(os.environ.get("IWXLAB_HOME") or "/var/lib/iwxlab").absolute()


@dataclass(frozen=True)
class Layout:
    """The files of one server."""

    name: str = DEFAULT_NAME

    @property
    def base_tar(self) -> Path:
        return home() / "base.tar"

    @property
    def base_stamp(self) -> Path:
        return home() / "base.stamp"

    @property
    def folder(self) -> Path:
        return home() / "run" / self.name

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def console(self) -> Path:
        return self.folder / "console.log"

    @property
    def outside_log(self) -> Path:
        return self.folder / "outside.log"

    @property
    def lock(self) -> Path:
        return home() / f"{self.name}.lock"
