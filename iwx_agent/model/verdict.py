"""What the incidents mean for support, and why: the verdict with its trace, line by line."""

from datetime import datetime

from msgspec import Struct

from iwx_agent.model.core import Priority, Scope
from iwx_agent.model.support import Licence, Provider


class Override(Struct, frozen=True, kw_only=True):
    """A person's own priority and why; ``suggested`` is what the rules said."""

    priority: Priority
    reason: str
    suggested: Priority | None = None


class Moment(Struct, frozen=True, kw_only=True):
    """A point in time as two people read it: at the vendor and at the server."""

    at: datetime
    vendor: str
    server: str


class Expected(Struct, frozen=True, kw_only=True):
    """When an answer can be expected, by the guide's hours; ``text`` says it in sentences.

    ``support_open`` is None when the server's clock is wrong and by how much is not known: then no moment is
    given. ``answer_by`` is the end of the usual time, ``answer_from`` the moment before which nobody is
    expected; where both are None the guide names no time.
    """

    support_open: bool | None
    text: str
    closed_because: str = ""
    closes: Moment | None = None
    opens: Moment | None = None
    rings_a_phone: bool = False
    answer_by: Moment | None = None
    answer_from: Moment | None = None
    clock_note: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """One line of a verdict: what it is about, what was said, by which rule, because of which incidents."""

    about: str
    said: str
    rule: str
    because: tuple[str, ...] = ()  # fingerprints of incidents


class Verdict(Struct, frozen=True, kw_only=True):
    """What the incidents mean for support; ``reasons`` are whole sentences, the strongest first.

    ``in_scope`` says whether the vendor's direct support takes it, by topic and licence: None when nothing
    was found or it cannot be told. ``scope`` is the topic's. ``turn_to`` names who deals with it if not the
    vendor. ``fileable`` says that nothing forbids a ticket without a person; ``filing`` why, either way.
    """

    priority: Priority | None
    emergency: bool
    reasons: tuple[str, ...]
    in_scope: bool | None = None
    scope: Scope = Scope.UNKNOWN
    scope_source: str = ""  # the line of the guide
    turn_to: str = ""
    fileable: bool = False
    filing: str = ""
    licence: Licence = Licence.NOT_SET
    provider: Provider | None = None
    override: Override | None = None
    expected: Expected | None = None
    trace: tuple[Step, ...] = ()
