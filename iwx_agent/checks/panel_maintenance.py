"""InterWorx is not in maintenance mode: what its pages, command line, logs and files say.

Facts:
    panel: the panel is installed; boot: what time it is; nodeworx_https: whether NodeWorx answers as usual;
    page_signs, answer_signs, banner_signs, log_signs, file_signs, setting_signs: what was found there of what
    data/signatures.toml looks for.

Limits:
    log_s: as long as a line of a log counts when no later one ends it; undated_lines_count: among so many
    last lines of a log one without a time counts.

Codes:
    PANEL-070 maintenance mode; PANEL-071 a trace of it, while nothing that the panel says now confirms it.

Source:
    Support guide 7.1, "The server is in maintenance mode". How the panel shows it is not public.
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Boot,
    Check,
    Evidence,
    Finding,
    Missing,
    PageAnswer,
    PanelPresence,
    Scope,
    Severity,
    moment,
)
from iwx_agent.model.panel import page_works
from iwx_agent.model.signatures import Sign, Signs

_EVIDENCE_COUNT = 6
_REMEDY = (
    "Ask whoever else looks after this server whether the maintenance was begun on purpose.",
    "nodeworx -u -n -c Overview -a listVersion   # what the panel's command line says of itself",
    "tail -n 50 /usr/local/interworx/var/log/iworx.log",
    "ps -eo pid,lstart,args | grep -i '[i]worx\\|[d]nf\\|[y]um'   # is an upgrade still running?",
    "Delete no file of the panel by hand: if nobody ends the maintenance, the vendor's support does.",
)
_WHERE = {
    "page": "its page",
    "command": "its command line",
    "notice": "a banner",
    "log": "a log",
    "file": "the name of a file",
}


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    log_s: float = 86_400.0
    undated_lines_count: int = 20


def judge(
    panel: PanelPresence,
    boot: Boot,
    nodeworx_https: PageAnswer,
    page_signs: Signs | Missing,
    answer_signs: Signs | Missing,
    banner_signs: Signs | Missing,
    log_signs: Signs | Missing,
    file_signs: Signs | Missing,
    setting_signs: Signs | Missing,
    limits: Limits,
) -> Iterator[Finding]:
    """Weigh the signs: what the panel says now counts more than what was once written down."""
    places = (page_signs, answer_signs, banner_signs, log_signs, file_signs, setting_signs)
    signs = tuple(
        sign
        for place in places
        if not isinstance(place, Missing)
        for sign in place.open_for("PANEL-070")
        if sign.is_recent(boot.read_at, within_s=limits.log_s, undated_lines_count=limits.undated_lines_count)
    )
    telling = tuple(sign for sign in signs if sign.weight != "context")
    if not telling:
        return
    answers_as_usual = page_works(nodeworx_https) and not any(sign.group == "page" for sign in telling)
    severity = _severity(telling, answers_as_usual=answers_as_usual)
    yield _finding(severity, telling, signs, nodeworx_https)


def _severity(signs: tuple[Sign, ...], *, answers_as_usual: bool) -> Severity:
    """An emergency needs a sure sign or two that agree, and one of them from what the panel says now."""

    def holds(sign: Sign) -> bool:
        return sign.weight == "present" or (sign.weight == "past" and not answers_as_usual)

    sure = [sign for sign in signs if sign.confidence != "inferred"]
    places_count = len({sign.group for sign in signs})
    if any(holds(sign) or sign.weight == "hint" for sign in sure):
        return Severity.EMERGENCY
    if any(holds(sign) for sign in signs):
        return Severity.EMERGENCY if places_count > 1 else Severity.ERROR
    return Severity.ERROR if sure or places_count > 1 else Severity.NOTE


def _finding(
    severity: Severity, telling: tuple[Sign, ...], signs: tuple[Sign, ...], page: PageAnswer
) -> Finding:
    inferred = all(sign.confidence == "inferred" for sign in telling)
    where = " and ".join(dict.fromkeys(_WHERE.get(sign.group, sign.group) for sign in telling))
    now = f"HTTP {page.status}" if page.outcome == "answered" else page.detail or page.outcome
    wait = f", to be asked again after {page.retry_after[:40]} (Retry-After)" if page.retry_after else ""
    detail = f"Told by {where}. NodeWorx answers now: {now}{wait}."
    dated = [sign for sign in telling if sign.at is not None]
    since = min(dated, key=lambda sign: sign.at or 0.0) if dated else None
    return Finding(
        code="PANEL-071" if severity is Severity.NOTE else "PANEL-070",
        subject="InterWorx",
        severity=severity,
        scope=Scope.VENDOR,
        title={
            Severity.EMERGENCY: "InterWorx is in maintenance mode",
            Severity.ERROR: "InterWorx seems to be in maintenance mode",
            Severity.NOTE: f"There is a trace of maintenance mode in {where}, but nothing else says so",
        }[severity],
        detail=detail,
        remedy=_REMEDY,
        evidence=_evidence(telling, signs),
        since_at=moment(since.at) if since else None,
        since_source=since.seen if since else "",
        touches=("panel",),
        inferred=inferred,
    )


def _evidence(telling: tuple[Sign, ...], signs: tuple[Sign, ...]) -> tuple[Evidence, ...]:
    """Quote each place by its last line: a page's text, a log's newest. What proves nothing comes last."""
    context = tuple(sign for sign in signs if sign.weight == "context")
    last = {sign.seen: sign.evidence for sign in (*telling, *context)}
    return tuple(last.values())[:_EVIDENCE_COUNT]


CHECK = Check(
    id="panel.maintenance",
    title="InterWorx is not in maintenance mode",
    codes=("PANEL-070", "PANEL-071"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    ok_needs=("page_signs", "answer_signs"),
    emergency=True,
    guide=5,
)
