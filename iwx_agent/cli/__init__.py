"""Arguments in, exit code out: one file per group of commands."""

from iwx_agent.cli.entry import run

__all__ = ["run"]
