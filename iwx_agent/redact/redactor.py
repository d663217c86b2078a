"""The redactor: rules over a text, tokens in it, canaries behind it, and an account of what was hidden."""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import Enum
from threading import Lock
from typing import Any, TypeVar, cast

import msgspec
from msgspec import Struct

from iwx_agent.model import Evidence
from iwx_agent.redact.canaries import Canaries
from iwx_agent.redact.learned import RULE_ID, Learned
from iwx_agent.redact.names import harmless, kind_of
from iwx_agent.redact.once import overwritten_once, redacted_once
from iwx_agent.redact.page import Page, blank, encodable, is_hidden
from iwx_agent.redact.rule import Rule
from iwx_agent.redact.tokens import AddressTokens, Tokens

T = TypeVar("T")

_PASSES_COUNT = 4
_ROWS_COUNT = 2000
_SOURCE_CHARACTERS = 200
FURTHER = "further places"
# What machines compare, made of words of the program: the same before and after.
_IDENTITIES = frozenset(
    {
        ("CheckResult", "check_id"),
        ("Finding", "code"),
        ("Incident", "fingerprint"),
        ("KeptIncident", "code"),
        ("KeptIncident", "fingerprint"),
        ("LastVerdict", "agent_version"),
        ("Report", "agent_version"),
        ("Step", "because"),
    }
)


class RedactionRow(Struct, frozen=True, kw_only=True):
    """How often one rule hid something in one place; never what."""

    rule_id: str
    source: str
    count: int


class RedactionReport(Struct, frozen=True, kw_only=True):
    """What was hidden: by which rule, where, how often; sorted by place and rule."""

    rows: tuple[RedactionRow, ...] = ()

    @property
    def count(self) -> int:
        """Return how often something was hidden."""
        return sum(row.count for row in self.rows)


class Redactor:
    """One redactor for everything that leaves: report, ticket, bundle, log, debug output, errors, traces.

    May be used from several threads. What raises in here has let nothing out.
    """

    def __init__(
        self, rules: Sequence[Rule], canaries: Canaries, tokens: Tokens | AddressTokens | None
    ) -> None:
        self._rules = tuple(rules)
        self._by_id = {rule.id: rule for rule in rules}
        self._canaries = canaries
        self._tokens = tokens
        self._learned = Learned()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def redact_text(self, text: str, source: str) -> str:
        """Return the text without secrets, with tokens for addresses; the same lines, and valid as UTF-8.

        ``source`` says where it stands, as evidence does. To redact twice is to redact once. Redact before a
        text is cut: of a secret that was cut the rest may look like nothing.
        """
        counts: Counter[str] = Counter()
        text = self._redacted(text, source, counts)
        if counts:
            self._account(counts, source)
        return text

    def learn(self, text: str, source: str) -> None:
        """Remember the secrets in a text of the machine: they are hidden in what is made of it, too."""
        found: list[str] = []
        if not self.hides_all_of(source):
            redacted_once(Page(encodable(text), source), self._rules, Counter(), found)
        with self._lock:
            for hidden in found:
                self._learned.add(hidden)

    def redact_bytes(self, data: bytes, source: str) -> bytes:
        """Return the same for bytes; what is not UTF-8 becomes U+FFFD."""
        return self.redact_text(data.decode("utf-8", "replace"), source).encode()

    def overwrite_bytes(self, data: bytes, source: str) -> bytes:
        """Return binary data with an ``x`` for each byte of what is hidden: nothing in it moves.

        For what programs read by position, such as certificates: there a placeholder or token would break it.
        """
        counts: Counter[str] = Counter()
        text = data.decode("latin-1")
        for _ in range(_PASSES_COUNT):
            page = Page(text, source)
            text = overwritten_once(page, self._rules, counts)
            if text == page.text:
                break
        told, count = self._learned.overwrite(text.encode("latin-1"))
        if count:
            counts[RULE_ID] += count
        if told == data:
            return data
        self._account(counts, source)
        return told

    def hides_all_of(self, source: str) -> bool:
        """Return whether nothing may leave of what comes from a place, such as the path of a secret file."""
        return any(place.match(source) for rule in self._rules for place in rule.sources)

    def for_replay(self, *, kept: Iterable[str] = ()) -> "Redactor":
        """Return a redactor with an account of its own, whose tokens for addresses parse as addresses do.

        For texts that are parsed again. The tokens are the same in the form of ``as_address``; the rules and
        canaries are these. ``kept`` are addresses that the agent itself asks about.
        """
        tokens = self._tokens
        if isinstance(tokens, Tokens):
            tokens = AddressTokens(tokens, kept=frozenset(kept))
        other = Redactor(self._rules, self._canaries, tokens)
        other._learned = self._learned
        return other

    def redact_value(self, value: T, source: str) -> T:
        """Return a structure with all its texts redacted: msgspec structs, dicts, lists, tuples.

        Enumerations, numbers and times stay, and so do codes, check ids and fingerprints. A text under a key
        such as ``password`` is hidden whole. Evidence is redacted with its own source.
        """
        return cast("T", self._walk(value, source))

    def release(self, data: bytes) -> bytes:
        """Return the bytes that are about to leave, unchanged, when none of the server's secrets is in them.

        Raises:
            CanaryError: one is; it names where that secret is kept, and nothing else.
        """
        self._canaries.refuse(data)
        return data

    @property
    def tokens(self) -> Tokens | AddressTokens | None:
        """Return what gives it tokens for addresses."""
        return self._tokens

    @property
    def canaries(self) -> Canaries:
        """Return the secrets that ``release`` looks for."""
        return self._canaries

    @property
    def report(self) -> RedactionReport:
        """Return what was hidden so far."""
        with self._lock:
            counts = sorted(self._counts.items(), key=lambda item: (item[0][1], item[0][0]))
        return RedactionReport(
            rows=tuple(
                RedactionRow(rule_id=rule, source=source, count=count) for (rule, source), count in counts
            )
        )

    def _redacted(self, text: str, source: str, counts: Counter[str]) -> str:
        text = encodable(text)
        for _ in range(_PASSES_COUNT):
            text, again = redacted_once(Page(text, source, self._tokens), self._rules, counts)
            if not again:
                break
        if self._learned:
            text, count = self._learned.hide(text)
            if count:
                counts[RULE_ID] += count
        return text

    def _account(self, counts: Counter[str], source: str) -> None:
        """Count; a source can hold a secret, too (in a command): it is redacted before it is kept."""
        place = self._redacted(source, "", Counter())[:_SOURCE_CHARACTERS]
        with self._lock:
            for rule_id, count in counts.items():
                known = (rule_id, place) in self._counts or len(self._counts) < _ROWS_COUNT
                self._counts[rule_id, place if known else FURTHER] += count

    def _walk(self, value: Any, source: str) -> Any:
        match value:
            case Enum():
                return value
            case str():
                return self.redact_text(value, source)
            case Evidence():
                return msgspec.structs.replace(
                    value,
                    source=self.redact_text(value.source, source),
                    text=self.redact_text(value.text, value.source),
                )
            case Struct():
                return self._struct(value, source)
            case dict():
                return {self._walk(key, source): self._entry(key, one, source) for key, one in value.items()}
            case list() | tuple() | set() | frozenset():
                return type(value)(self._walk(one, source) for one in value)
            case bytes():
                return self.redact_bytes(value, source)
        return value

    def _struct(self, value: Struct, source: str) -> Struct:
        kind = type(value).__name__
        changed = {
            name: self._walk(getattr(value, name), f"{source}.{name}")
            for name in value.__struct_fields__
            if (kind, name) not in _IDENTITIES
        }
        return msgspec.structs.replace(value, **changed)

    def _entry(self, key: Any, value: Any, source: str) -> Any:
        """Return the value of a key; its texts are hidden whole when the key says that they are secrets."""
        if isinstance(value, list | tuple):
            return type(value)(self._entry(key, one, source) for one in value)
        rule = self._by_id.get(f"named-{kind_of(key.lower())}") if isinstance(key, str) else None
        if rule is None or isinstance(value, Enum):
            return self._walk(value, f"{source}.{key}")
        if isinstance(value, dict):
            return {self._walk(inner, source): self._entry(key, one, source) for inner, one in value.items()}
        if isinstance(value, bytes):
            return self._entry(key, value.decode("utf-8", "replace"), source).encode()
        kind = rule.id.partition("-")[2]
        secret = isinstance(value, str) and not harmless(kind, key.lower(), value, bare=False, colon=False)
        if not secret or is_hidden(value):
            return self._walk(value, f"{source}.{key}")
        self._account(Counter({rule.id: 1}), f"{source}.{key}")
        return blank(encodable(value), rule.placeholder)
