"""A ticket's message taken apart by its sections, as a reader sees it, and a support engineer's checklist."""

import re
from collections.abc import Callable

HEADINGS = (
    "SUMMARY",
    "IMPACT",
    "SINCE WHEN",
    "ERRORS, AND WHERE THEY ARE SEEN",
    "ALREADY TRIED, AND OTHER CHANGES OF THE LAST 24 HOURS",
    "A PERSON'S NOTE",
    "STEPS TO REPRODUCE",
    "COULD NOT BE DETERMINED",
    "ENVIRONMENT",
    "SCOPE AND ACCESS",
)
_BODY = re.compile(r"(- |  |\d+\. |\.\.\. )")


def sections(message: str) -> dict[str, list[str]]:
    """Return the lines of each section; a line that is neither heading nor body fails."""
    found: dict[str, list[str]] = {}
    lines: list[str] | None = None
    for line in message.split("\n"):
        if not line:
            lines = None
            continue
        if lines is None:
            heading = line.partition(" (")[0]
            assert heading in HEADINGS, line
            assert heading not in found, line
            lines = found[heading] = []
            continue
        assert _BODY.match(line), line
        lines.append(line)
    assert all(found.values()), [heading for heading, body in found.items() if not body]
    order = [heading for heading in HEADINGS if heading in found]
    # A note of a person stands above where nothing was found.
    assert sorted(found, key=list(found).index) == order or "IMPACT" not in found
    return found


def _says(heading: str, *patterns: str) -> Callable[[dict[str, list[str]]], bool]:
    def told(found: dict[str, list[str]]) -> bool:
        body = "\n".join(found.get(heading, []))
        return any(re.search(pattern, body, re.MULTILINE) for pattern in patterns)

    return told


_UNDETERMINED = r"could not be determined|could not be counted|not determined"
# What a support engineer asks first; each is answered, or it is said that it could not be determined.
CHECKLIST: dict[str, Callable[[dict[str, list[str]]], bool]] = {
    "what": _says("SUMMARY", r"\A- .+ \[[A-Z]+-\d{3}(, inferred)?\]$"),
    "how urgent": _says("SUMMARY", r"^- (Information|Low|Medium|High|Urgent): ."),
    "whose": _says(
        "SCOPE AND ACCESS",
        r"^- (In scope|Out of scope|Not the vendor's|Whether it is in scope cannot be told)",
    ),
    "since when": _says("SINCE WHEN", r"\d{4}-\d\d-\d\d \d\d:\d\d UTC, .+ \(.+\)", _UNDETERMINED),
    "where seen": _says("ERRORS, AND WHERE THEY ARE SEEN", r"^ +seen in: \S"),
    "impact": _says("IMPACT", r"^- [\w/ ]+: \S", r"^- no site, mail service, node", _UNDETERMINED),
    "services tried": _says(_TRIED := HEADINGS[4], r"^- services(:|;)"),
    "packages tried": _says(_TRIED, r"^- packages(:|;)"),
    "reboots tried": _says(_TRIED, r"^- reboots(:|;)"),
    "configuration tried": _says(_TRIED, r"^- configuration(:|;)"),
    "a person's tries": _says(_TRIED, r"^- by a person: "),
    "reproduce": _says("STEPS TO REPRODUCE", r"^1\. \$ \S.*\n   \| \S", _UNDETERMINED),
    "access": _says("SCOPE AND ACCESS", r"^- Remote Assistance: (Yes|No|not determined)"),
    "key": _says("SCOPE AND ACCESS", r"^- Ticket key: iwx-[0-9a-f]{10} "),
    "panel": _says("ENVIRONMENT", r"^- InterWorx: \S"),
    "system": _says("ENVIRONMENT", r"^- System: \S"),
    "kernel": _says("ENVIRONMENT", r"^- Kernel: \S"),
    "role": _says("ENVIRONMENT", r"^- Role: \S"),
    "licence": _says("ENVIRONMENT", r"^- Licence: \S"),
    "uptime": _says("ENVIRONMENT", r"^- Up since: \S"),
}


def missing(found: dict[str, list[str]]) -> set[str]:
    """Return which questions of the checklist the sections leave open."""
    return {question for question, answered in CHECKLIST.items() if not answered(found)}
