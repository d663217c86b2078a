"""What a monitoring system hears of a command that failed before its line was there.

By the Monitoring Plugins Development Guidelines a wrong call and a defect are UNKNOWN. The agent's own 2
would be CRITICAL there, and its 70 no state at all.
"""

import itertools
import sys
from collections.abc import Sequence

EXIT_UNKNOWN = 3
_LINE = "IWX UNKNOWN: the agent could not look: its messages are on standard error\n"


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Return whether the line itself, for standard output, was asked for."""
    nagios = "--format=nagios" in arguments or ("--format", "nagios") in itertools.pairwise(arguments)
    return nagios and not any(word.partition("=")[0] == "--output" for word in arguments)


def unknown() -> int:
    """Print the line of a command that failed, and return its exit code."""
    if sys.stdout is not None:
        sys.stdout.write(_LINE)
        sys.stdout.flush()
    return EXIT_UNKNOWN
