"""The program: ``--version`` answers before anything is imported, everything else goes through ``cli``."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        from iwx_agent import __version__

        sys.stdout.write(f"iwx-agent {__version__}\n")
        return
    from iwx_agent.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":  # pragma: no cover - as a process: tests/cli/test_process.py
    main()
