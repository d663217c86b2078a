"""Where the lab keeps its things on the machine."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

LAB = Path(__file__).resolve().parents[1]
DEFAULT_NAME = "iwx1"
NODE_SUFFIX = "-node"


def home() -> Path:
    """The state directory: `$IWXLAB_HOME`, else /var/lib/iwxlab."""
    return Path(os.environ.get("IWXLAB_HOME") or "/var/lib/iwxlab").absolute()


@dataclass(frozen=True)
class Layout:
    """The files of one server."""

    name: str = DEFAULT_NAME

    @property
    def of_node(self) -> Layout:
        """The files of the second host beside this one."""
        return Layout(f"{self.name}{NODE_SUFFIX}")

    def log_made(self) -> Path:
        """The log of what is started outside, in a folder that is there."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.outside_log

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
    def cgroup(self) -> str:
        """The name of its cgroup: another one for a server of that name with another state directory."""
        return f"iwxlab-{self.name}-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:8]}"

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
