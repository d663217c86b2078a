"""Signatures: what is looked for in the words of the panel, where, and how sure that is; and what was found.

The entries come from ``data/signatures.toml`` and from ``/etc/iwx-agent/signatures.d``: nobody outside the
vendor knows how the panel words these things, so the words are data that can be corrected on the server.
"""

from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import Evidence
from iwx_agent.model.layout import Confidence

SourceName = Literal[
    "nodeworx_page",  # NodeWorx' page: "HTTP 503", "Retry-After: 60", "Location: ...", title, visible text
    "siteworx_page",
    "command_answer",  # what the panel's command line said, when that was no answer to the question
    "banner",  # one row of NodeWorx' banners
    "health",  # one row of the health list that is bad
    "panel_log",
    "start_log",
    "error_log",
    "stack_log",
    "file_name",  # the name of a file in the panel's own directories
    "ini_key",  # the name of a key in the panel's settings, never its value
]
# The codes that signatures can raise: one for each check that asks for them.
SIGN_CODES = ("PANEL-070", "PANEL-080")

Weight = Literal[
    "present",  # what the panel says now
    "past",  # what it said at some time: over, when the panel says otherwise now
    "hint",  # may lie there for another reason: never more than a note by itself
    "context",  # worth quoting, proves nothing
]


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to look for, line by line.

    ``pattern`` is a regular expression whose work is bounded (``parsers.patterns``); a line that matches
    ``unless`` too is no sign. ``ends`` marks what says that it is over. ``versions`` are the panel's major
    releases, all of them when empty.
    """

    id: str
    sources: tuple[SourceName, ...]
    pattern: str
    code: str
    confidence: Confidence
    known_from: str
    unless: str = ""
    ends: bool = False
    versions: tuple[int, ...] = ()
    example: str = ""
    counterexample: str = ""


class SourceGroup(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sources that can all be wrong for one reason: signs of one group count as one sign."""

    name: str
    sources: tuple[SourceName, ...]
    weight: Weight
    why: str


class Signatures(Struct, frozen=True, kw_only=True):
    """All entries and groups of this installation."""

    entries: tuple[Signature, ...] = ()
    groups: tuple[SourceGroup, ...] = ()

    def of(self, source: SourceName, release: int | None) -> tuple[Signature, ...]:
        """Return what is looked for in a source; all versions when the panel's release is not known."""
        return tuple(
            entry
            for entry in self.entries
            if source in entry.sources
            and (release is None or not entry.versions or release in entry.versions)
        )

    def group_of(self, source: SourceName) -> SourceGroup:
        """Return the group of a source; one that is in none is a group of its own."""
        alone = SourceGroup(name=source, sources=(source,), weight="present", why="")
        return next((group for group in self.groups if source in group.sources), alone)


class Sign(Struct, frozen=True, kw_only=True):
    """One line that a signature matched: ``seen`` is where it stands, ``text`` what was there, cut.

    ``at`` is when the line was written, as far as that can be told; ``written_at`` is when its file was last
    written, ``lines_after`` how many lines came after it: all that is known of a line without a time.
    """

    signature: str
    code: str
    group: str
    weight: Weight
    confidence: Confidence
    seen: str
    text: str
    ends: bool = False
    at: float | None = None
    written_at: float | None = None
    lines_after: int = 0

    @property
    def evidence(self) -> Evidence:
        """Quote the line with where it stands."""
        return Evidence(source=self.seen, text=self.text)

    def is_recent(self, now_at: float, *, within_s: float, undated_lines_count: int) -> bool:
        """Return whether it was written within the last ``within_s``, inclusive.

        What is not written to a log is said now. A line without a time is as old as its log at least, and is
        taken for recent only among the last ones. A time that lies ahead of the clock is recent: the clock
        went back since.
        """
        if self.written_at is None:
            return True
        if self.at is not None:
            return now_at - self.at <= within_s
        return now_at - self.written_at <= within_s and self.lines_after < undated_lines_count

    def _is_over(self, end: "Sign") -> bool:
        """In one place the later line is the later one; between two places only times can tell."""
        if (self.code, self.group) != (end.code, end.group):
            return False
        if self.seen == end.seen:
            return end.lines_after < self.lines_after
        return self.at is not None and end.at is not None and end.at >= self.at


class Signs(Struct, frozen=True, kw_only=True):
    """What was found in some sources. Those it names were read to the end of their bounds."""

    found: tuple[Sign, ...] = ()
    looked_at: tuple[str, ...] = ()

    def open_for(self, code: str) -> tuple[Sign, ...]:
        """Return the signs for a code that no later sign ends."""
        ends = [sign for sign in self.found if sign.ends]
        return tuple(
            sign
            for sign in self.found
            if sign.code == code and not sign.ends and not any(sign._is_over(end) for end in ends)
        )
