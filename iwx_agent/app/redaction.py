"""The redactor of a run: its rules, the server's secrets to look for, and tokens for people's addresses."""

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.app.support import Known
from iwx_agent.host import Host, HostError, Question
from iwx_agent.model import Provider, Report
from iwx_agent.parsers.resolv_conf import name_servers
from iwx_agent.redact import Canaries, NumberedTokens, Redactor, Tokens, rules

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

Heard = tuple[Question, Struct | HostError]

_NAMED_COUNT = 3
_LEARN_CHARACTERS = 8 * 1024 * 1024
_KEY_BYTES = 32
_RESOLVER = "/etc/resolv.conf"
_LOOK_BUDGET_S = 1.0


def redactor_for(host: Host, known: Known, report: Report, heard: Iterable[Heard] = ()) -> Redactor:
    """Return the redactor for all that leaves of a run: of its report, and of what was heard for it.

    The server's secrets are read aside of the run and its recorder, and are looked for in everything. Those
    of a replayed machine are not to be had, and this machine's have nothing to do there. The addresses of the
    server, its name servers and its provider stay as they are. Secrets in what was ``heard`` for the report
    are hidden in it also where it quotes them in another form.
    """
    redactor = _redactor(host, known, report)
    learn(redactor, heard)
    return redactor


def _redactor(host: Host, known: Known, report: Report) -> Redactor:
    own = (address.ip for address in report.host.addresses)
    kept = frozenset((*own, *_name_servers(host), *_mail_of(known.provider)))
    files = rules(known.layout.everything("secret_file"))
    if host.replays:
        return Redactor(files, Canaries(()), NumberedTokens(kept=kept))
    return Redactor(files, _canaries(host, known, report), _tokens(host, kept, as_root=report.host.as_root))


def learn(redactor: Redactor, heard: Iterable[Heard]) -> None:
    """Have a redactor read what a machine said, so that it knows the secrets in it in every form."""
    seen: set[str] = set()
    left = _LEARN_CHARACTERS
    for question, found in heard:
        for text in _texts(found):
            if text in seen or len(text) > left:
                continue  # a second look often says the same
            seen.add(text)
            left -= len(text)
            redactor.learn(text, question.source)


def _texts(found: Any) -> Iterator[str]:
    match found:
        case str():
            yield found
        case bytes():
            yield found.decode("utf-8", "replace")
        case HostError():
            yield found.reason
        case tuple():
            for one in found:
                yield from _texts(one)
        case Struct():
            for name in found.__struct_fields__:
                yield from _texts(getattr(found, name))


def redactor_here() -> Redactor:
    """Return a redactor with this machine's secrets for what is no report: errors, answers, wrong usage."""
    from iwx_agent.app.secrets import BUDGET_S, canaries_of
    from iwx_agent.config import ConfigError, load_layout
    from iwx_agent.host.live import LiveHost

    try:
        layout = load_layout()
    except ConfigError:  # which is said by itself
        unread = {"this server": "where they are kept is not known: the configuration is broken"}
        return Redactor(rules(), Canaries((), unread=unread), None)
    with LiveHost(budget_s=BUDGET_S) as host:
        canaries = canaries_of(host.aside(BUDGET_S), layout, public=(host.clock().host_name,))
    return Redactor(rules(layout.everything("secret_file")), canaries, None)


def redactor_of_rules() -> Redactor:
    """Return a redactor of rules alone, for what is said of a capture or of wrong usage."""
    return Redactor(rules(), Canaries(()), None)


def redacted_report(report: Report, redactor: Redactor) -> Report:
    """Return the report as it may leave, in whatever form; it says which secrets it was not compared with.

    Raises:
        CanaryError: one of the server's secrets is still in it.
    """
    import msgspec

    said = uncompared(redactor.canaries)
    if said:
        report = replace(report, verdict=replace(report.verdict, reasons=(*report.verdict.reasons, said)))
    report = redactor.redact_value(report, "report")
    redactor.release(msgspec.json.encode(report))
    return report


def uncompared(canaries: Canaries) -> str:
    """Return the sentence that names the places whose secrets could not be compared, or nothing."""
    places = list(canaries.unread)
    if not places:
        return ""
    why = next(iter(canaries.unread.values()))
    named = ", ".join(places[:_NAMED_COUNT])
    more = f" and {len(places) - _NAMED_COUNT} more places" if len(places) > _NAMED_COUNT else ""
    return f"The secrets of {named}{more} could not be compared with this text ({why}): rules alone hid them."


def remember_tokens(redactor: Redactor, host: Host) -> str:
    """Keep the tokens that were given for ``reveal``; return why that could not be, or nothing."""
    tokens, workers = redactor.tokens, host.workers
    if not isinstance(tokens, Tokens) or workers is None or not tokens.map().originals:
        return ""
    from iwx_agent.app.token_files import ServerTokens, keep_tokens

    return keep_tokens(tokens, workers) if isinstance(tokens, ServerTokens) else ""


def _canaries(host: Host, known: Known, report: Report) -> Canaries:
    from iwx_agent.app.secrets import BUDGET_S, canaries_of

    named = report.host
    public = (named.name, named.fqdn, *named.fqdn.split("."), *(address.ip for address in named.addresses))
    return canaries_of(host.aside(BUDGET_S), known.layout, public=public)


def _name_servers(host: Host) -> tuple[str, ...]:
    """Return the addresses of the name servers: they say which one does not answer, and are nobody's."""
    try:
        told = host.aside(_LOOK_BUDGET_S).read(_RESOLVER, max_bytes=8192, timeout_s=_LOOK_BUDGET_S).data
    except HostError:
        return ()
    return name_servers(told.decode("utf-8", "replace"))


def _mail_of(provider: Provider | None) -> tuple[str, ...]:
    """Return the mail addresses of a provider, which the configuration gives so that they are shown."""
    words = f"{provider.address} {provider.text}".split() if provider is not None else ()
    return tuple(word.strip("<>(),;:.\"'").removeprefix("mailto:") for word in words if "@" in word)


def _tokens(host: Host, kept: frozenset[str], *, as_root: bool) -> Tokens:
    workers: Workers | None = host.workers
    if workers is None or not as_root:
        return Tokens(os.urandom(_KEY_BYTES), kept=kept)
    from iwx_agent.app.token_files import server_tokens

    return server_tokens(workers, kept)
