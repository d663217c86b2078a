"""Signs in the panel's words: its pages, command line, banners, health list, logs, files and settings.

What they mean stands in ``data/signatures.toml``; here it is only asked and read.
"""

import re
from functools import partial

from iwx_agent.host import KIB, CommandAnswer, HostError
from iwx_agent.model import LogLine, PageAnswer, ParseError
from iwx_agent.model.panel import page_works
from iwx_agent.model.panel_cli import HealthList, PanelAnswer, PanelRow
from iwx_agent.model.signatures import Sign, Signs, SourceName
from iwx_agent.parsers.health_list import parse_health
from iwx_agent.parsers.ini_keys import ini_keys
from iwx_agent.parsers.leading_time import parse_log
from iwx_agent.parsers.page import page_text
from iwx_agent.parsers.patterns import parse_pattern
from iwx_agent.parsers.signs import LINE_CHARACTERS, find_signs
from iwx_agent.probes.context import Context, Probe, ask_page, together
from iwx_agent.probes.machine import panel
from iwx_agent.probes.panel import nodeworx_https
from iwx_agent.probes.panel_cli import panel_said, understood

_PAGE_TIMEOUT_S = 10.0
_LOG_BYTES = 64 * KIB  # of each log: some days of a quiet panel, and the last hours of a loud one
_LOGS: tuple[tuple[SourceName, str], ...] = (
    ("panel_log", "path.panel_log"),
    ("start_log", "path.panel_start_log"),
    ("error_log", "path.panel_error_log"),
    ("stack_log", "path.panel_stack_log"),
)
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}")
_YES = ("1", "true", "yes", "y")


def page_signs(context: Context) -> Signs:
    """What the panel's two pages say of themselves; a page that does not answer says nothing."""
    nodeworx, siteworx = _pages(context)
    return Signs(
        found=(
            *_of_page(context, "nodeworx_page", nodeworx),
            *_of_page(context, "siteworx_page", siteworx),
        )
    )


def answer_signs(context: Context) -> Signs:
    """What the command line said instead of an answer; it is asked for this only when a page is not well.

    Raises:
        HostError: when a page is not well and the command line does not even tell its version.
    """
    found = _of_refusal(context, "command.banners")
    if found or (all(map(page_works, _pages(context))) and not page_signs(context).found):
        return Signs(found=found)
    banners = panel_said(context, context.layout.command("command.banners"))
    if banners.timed_out:
        understood(context, banners)  # raises: one that hangs would only hold this run up twice
    found = _of_refusal(context, "command.version")
    if not found:
        answer = _rows(context, "command.version")
        if not any(_VERSION.search(row.words) for row in answer.rows):
            raise HostError("failed", "said something, but no version", answer.source)
    return Signs(found=found)


def banner_signs(context: Context) -> Signs:
    """What NodeWorx' banners say, those left out that were dismissed.

    Raises:
        HostError: when there is a banner whose text is not found in it, and no sign in the others.
    """
    answer = _rows(context, "command.banners")
    dismissed = context.layout.texts("column.banner_dismissed")
    rows = tuple(row for row in answer.rows if row.get(*dismissed).lower() not in _YES)
    found = _of_texts(context, "banner", tuple(row.words for row in rows), answer.source)
    strange = next((row for row in rows if not _is_banner(context, row, named=answer.named)), None)
    if strange is not None and not found:
        columns = ", ".join(name for name, _ in strange.columns)[:200]
        why = f"a banner without a column that is known to hold its text (columns: {columns})"
        raise HostError("failed", why, answer.source)
    return Signs(found=found)


def panel_health(context: Context) -> HealthList:
    """The panel's own health list. Asking for it makes the panel look, so it is asked once in a run."""
    answer = _rows(context, "command.health")
    try:
        rows = parse_health(
            answer.rows,
            state_names=context.layout.texts("column.health_state"),
            name_names=context.layout.texts("column.health_name"),
        )
    except ParseError as error:
        raise HostError("failed", str(error), answer.source) from None
    return HealthList(rows=rows, source=answer.source)


def health_signs(context: Context) -> Signs:
    """What the bad rows of the health list say."""
    health = panel_health(context)
    texts = tuple(row.words for row in health.bad)
    return Signs(found=_of_texts(context, "health", texts, health.source))


def log_signs(context: Context) -> Signs:
    """What the ends of the panel's logs say.

    Raises:
        HostError: when a log could not be read and the others hold no sign, or when there is none of them.
    """
    found: list[Sign] = []
    looked_at: list[str] = []
    unread: list[HostError] = []
    for source, key in _LOGS:
        path = context.layout.text(key)
        try:
            content = context.host.tail(path, max_bytes=_LOG_BYTES, timeout_s=3.0)
        except HostError as error:
            if error.kind != "not_found":
                unread.append(error)
            continue
        lines = parse_log(content.text, source=path, written_at=content.modified_at)
        release = _release(context)
        found += find_signs(source, lines, context.signatures, release, written_at=content.modified_at)
        looked_at.append(path)
    if unread and not found:
        raise unread[0]
    if not looked_at and not found:
        raise HostError("failed", "none of the panel's logs is where it is expected", "panel logs")
    return Signs(found=tuple(found), looked_at=tuple(looked_at))


def file_signs(context: Context) -> Signs:
    """Files of the panel whose mere name says something; nothing in them is read."""
    lines: list[LogLine] = []
    for directory in context.layout.texts("path.panel_flags"):
        try:
            listing = context.host.list_directory(directory)
        except HostError as error:
            if error.kind == "not_found":
                continue
            raise
        lines += [
            LogLine(text=entry.name, source=f"{directory}/{entry.name}", at=entry.modified_at)
            for entry in listing.entries
            if entry.kind == "file"
        ]
    return Signs(found=find_signs("file_name", lines, context.signatures, _release(context)))


def setting_signs(context: Context) -> Signs:
    """Names of keys in the panel's settings that say something; no value is kept."""
    path = context.layout.text("path.panel_settings")
    release = _release(context)
    words = [parse_pattern(entry.pattern).needle for entry in context.signatures.of("ini_key", release)]
    needles = tuple(sorted({form for word in words for form in (word, word.capitalize(), word.upper())}))
    if not needles:
        return Signs()
    content = context.host.scan(path, needles=needles, timeout_s=3.0)
    lines = tuple(LogLine(text=key, source=path) for key in ini_keys(content.text))
    return Signs(found=find_signs("ini_key", lines, context.signatures, release))


def one_version_packages(context: Context) -> tuple[str, ...]:
    """Names of the panel's packages that are taken to have its version always: known, not asked."""
    return context.layout.texts("package.panel_one_version")


def _pages(context: Context) -> tuple[PageAnswer, ...]:
    """Ask for NodeWorx' and SiteWorx' page over loopback, side by side."""
    port = context.layout.port("port.nodeworx_https")
    siteworx = f"https://localhost:{port}{context.layout.text('url.siteworx')}"
    return together(
        [
            partial(nodeworx_https, context),
            partial(ask_page, context.host, siteworx, timeout_s=_PAGE_TIMEOUT_S),
        ]
    )


def _of_page(context: Context, source: SourceName, page: PageAnswer) -> tuple[Sign, ...]:
    if page.outcome != "answered":
        return ()
    body = context.host.http_get(page.url, timeout_s=_PAGE_TIMEOUT_S)  # asked above: the memo answers
    told = (
        f"HTTP {page.status}",
        f"Retry-After: {page.retry_after}",
        f"Location: {page.location}",
        page.title,
        page_text(body.text, limit_characters=LINE_CHARACTERS),
    )
    return _of_texts(context, source, told, page.source)


def _of_refusal(context: Context, key: str) -> tuple[Sign, ...]:
    """Return the signs in what the command line said, when that was no answer to the question."""
    try:
        said = panel_said(context, context.layout.command(key))
    except HostError:
        return ()  # nothing was said; whoever needs the answer itself is told so
    try:
        understood(context, said)
    except HostError:
        return _of_texts(context, "command_answer", _lines(said), said.source)
    return ()


def _lines(said: CommandAnswer) -> tuple[str, ...]:
    return tuple(f"{said.text}\n{said.error_text}".split("\n"))


def _of_texts(context: Context, source: SourceName, texts: tuple[str, ...], seen: str) -> tuple[Sign, ...]:
    lines = tuple(LogLine(text=text, source=seen) for text in texts)
    return find_signs(source, lines, context.signatures, _release(context))


def _rows(context: Context, key: str) -> PanelAnswer:
    """Ask the command line; that it is not there proves nothing, so it is no certain absence."""
    try:
        return understood(context, panel_said(context, context.layout.command(key)))
    except HostError as error:
        if error.kind == "not_found":
            raise HostError("failed", error.reason, error.source) from None
        raise


def _is_banner(context: Context, row: PanelRow, *, named: bool) -> bool:
    """Whether a row looks like a banner: an error text that was printed as an answer does not."""
    if named:
        return bool(row.get(*context.layout.texts("column.banner_text")))
    return row.get("1").isdigit() or any(" " in value for _, value in row.columns)


def _release(context: Context) -> int | None:
    """Return the panel's major release, None when it is not known."""
    major = panel(context).version.split(".", 1)[0]
    return int(major) if major.isdigit() else None


PROBES = (
    Probe(ask=page_signs),
    Probe(ask=answer_signs),
    Probe(ask=banner_signs),
    Probe(ask=panel_health),
    Probe(ask=health_signs),
    Probe(ask=log_signs),
    Probe(ask=file_signs),
    Probe(ask=setting_signs),
    Probe(ask=one_version_packages),
)
