"""The program: ``--version`` answers before anything is imported, everything else goes through ``cli``."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    if sys.argv[1:] == ["--version"]:
        from iwx_agent import __version__

        sys.stdout.write(f"iwx-agent {__version__}\n")
        return
    import gc

    gc.set_threshold(
        50_000, 20, 20
    )  # a run is short: collecting while it imports costs time and frees nothing
    from iwx_agent.cli import run

    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":  # pragma: no cover - as a process: tests/cli/test_process.py
    main()
