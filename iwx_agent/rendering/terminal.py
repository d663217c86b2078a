"""The one screen for a tired person: the worst first, since when, why, and what to do next."""

import io
import textwrap

from rich.console import Console
from rich.text import Text

from iwx_agent.model import Finding, Incident, Report, Status
from iwx_agent.rendering import words

_STYLES = {
    "EMERGENCY": "bold white on red",
    "error": "bold red",
    "warning": "yellow",
    "note": "dim",
    "passing": "yellow",
    "in progress": "bold yellow",
}
_FULL_COUNT = 2  # incidents shown with all their lines; the others get one line and their first step
_OTHERS_COUNT = 4
_STEPS_COUNT = 4
_MORE_COUNT = 8


def print_report(report: Report, console: Console, *, verbose: bool = False) -> None:
    """Print the report; everything that came from the machine is made harmless first."""
    _headline(report, console)
    full_count = len(report.incidents) if verbose else _FULL_COUNT
    for incident in report.incidents[:full_count]:
        _incident(report, incident, console, verbose=verbose)
    rest = report.incidents[full_count:]
    if rest:
        console.print()
    for incident in rest[:_MORE_COUNT]:
        _incident_line(incident, console)
    if len(rest) > _MORE_COUNT:
        console.print(f"  and {len(rest) - _MORE_COUNT} more: iwx-agent diagnose --verbose", style="dim")
    _circumstances(report, console)
    _footer(report, console, verbose=verbose)


def as_text(report: Report, *, width: int, verbose: bool = False) -> str:
    """Return the report as a file has it: without colours, and the same whatever terminal it is made on."""
    page = io.StringIO()
    plain = Console(
        file=page,
        width=width,
        color_system=None,
        force_terminal=False,  # also where FORCE_COLOR is set
        highlight=False,
        emoji=False,
        markup=False,
    )
    print_report(report, plain, verbose=verbose)
    return page.getvalue()


def _headline(report: Report, console: Console) -> None:
    host = report.host
    parts = [words.one_line(host.fqdn or host.name, 80)]
    if words.address(report):
        parts.append(words.one_line(words.address(report)))
    if host.panel_version:
        parts.append(f"InterWorx {words.one_line(host.panel_version, 20)}")
    parts.append(words.at(report.collected_at))
    console.print(Text(" · ".join(parts), style="dim"))
    most, more = words.headline(report)
    ok = sum(result.status is Status.OK for result in report.results)
    said = Text()
    if report.verdict.emergency:
        said.append(f" {most} ", style=_STYLES["EMERGENCY"])
        said.append(f"  {more}" if more else "")
    else:
        found = report.incidents or words.blind(report)
        said.append(most, style="bold yellow" if found else "bold green")
        said.append(f", {more}" if more else "")
    said.append(f"  ({words.counted(ok, 'check')} ok)", style="dim")
    if report.verdict.priority:
        suggested = "suggested priority" if report.verdict.override is None else "your priority"
        said.append(f"  {suggested}: {report.verdict.priority}", style="bold")
    console.print(said)


def _incident(report: Report, incident: Incident, console: Console, *, verbose: bool) -> None:
    lead = incident.lead
    console.print()
    console.print(_title(incident))
    state = words.state_words(incident)
    known = words.since(incident, report.collected_at) + (f"; {state}" if state else "")
    _say(console, known, style="dim")
    if verbose or incident.scope is not report.verdict.scope:  # else the verdict below says it
        _say(console, f"scope: {incident.scope} ({words.one_line(incident.scope_source)})", style="dim")
    _say(console, words.one_line(lead.detail, 600))
    for evidence in lead.evidence[: 8 if verbose else 2]:
        quoted = f"{words.one_line(evidence.text, 300)}  [{words.one_line(evidence.source, 160)}]"
        _say(console, quoted, first="seen  ", style="dim")
    _others(incident, console, verbose=verbose)
    _steps(lead, console)


def _title(incident: Incident) -> Text:
    word = words.grade_word(incident)
    title = Text()
    title.append(f" {word} ", style=_STYLES[word])
    title.append(" ")
    title.append(words.one_line(incident.lead.title), style="bold")
    title.append(f"  {_code(incident.lead)}", style="dim")
    return title


def _code(finding: Finding) -> str:
    return f"{finding.code}  {words.INFERRED}" if finding.inferred else finding.code


def _others(incident: Incident, console: Console, *, verbose: bool) -> None:
    shown = incident.others if verbose else incident.others[:_OTHERS_COUNT]
    if shown:
        _say(console, "this explains", style="dim")
    for finding in shown:
        _say(console, f"{words.one_line(finding.title)}  {_code(finding)}", first="  - ")
    if len(shown) < len(incident.others):
        _say(console, f"and {len(incident.others) - len(shown)} more", first="  - ", style="dim")


def _steps(lead: Finding, console: Console) -> None:
    if lead.remedy:
        _say(console, "do next", style="dim")
    for number, step in enumerate(lead.remedy[:_STEPS_COUNT], start=1):
        _step(console, f"  {number}. ", words.one_line(step, 300))


def _step(console: Console, first: str, step: str) -> None:
    """Print one step; a command stays one line for the terminal, so that it can be copied whole."""
    command, mark, remark = step.partition(" # ")
    line = Text(f"  {first}")
    line.append(command.rstrip(), style="bold")
    if mark:
        line.append(f"  # {remark.strip()}", style="dim")
    console.print(line, soft_wrap=True)


def _incident_line(incident: Incident, console: Console) -> None:
    console.print(_title(incident))
    if incident.lead.remedy:
        _step(console, "do next: ", words.one_line(incident.lead.remedy[0], 160))


def _circumstances(report: Report, console: Console) -> None:
    if not (report.impact or report.changes or report.note.strip()):
        return  # as on a healthy server, whose run must not pay for the words of a ticket
    from iwx_agent.rendering import circumstances

    console.print()
    for label, told in circumstances.lines(report):
        _say(console, f"{label}: {told}", indent=0)


def _footer(report: Report, console: Console, *, verbose: bool) -> None:
    blind = words.blind(report)
    for caveat in words.caveats(report):
        console.print()
        console.print(Text(caveat, style="yellow"))
    if blind:
        console.print()
        console.print(Text(f"{words.counted(len(blind), 'check')} could not tell:", style="yellow"))
        for check_id, status, reason in blind if verbose else blind[:4]:
            _say(console, f"{check_id} ({status}): {words.one_line(reason, 160)}", style="dim")
        if not verbose and len(blind) > 4:
            _say(console, f"and {len(blind) - 4} more: iwx-agent diagnose --verbose", style="dim")
    if report.verdict.reasons:
        console.print()
        for reason in report.verdict.reasons:
            if not (blind and "could not tell" in reason):
                _say(console, words.one_line(reason, 400), indent=0)
    if verbose:
        _all_results(report, console)
    if report.incidents:
        code = report.incidents[0].lead.code
        console.print()
        console.print(Text(f"more: iwx-agent explain {code}   iwx-agent ticket   iwx-agent why", style="dim"))


def _all_results(report: Report, console: Console) -> None:
    console.print()
    for result in report.results:
        reason = f"  {words.one_line(result.reason, 120)}" if result.reason else ""
        console.print(Text(f"{result.status.value:<15}{result.check_id:<26}{reason}"))


def _say(console: Console, text: str, *, first: str = "", style: str = "", indent: int = 2) -> None:
    """Print text wrapped to the width, its further lines under the first word after ``first``."""
    lines = textwrap.wrap(
        text,
        width=max(console.width, 40),
        initial_indent=" " * indent + first,
        subsequent_indent=" " * (indent + len(first)),
        break_on_hyphens=False,
    )
    for line in lines:
        console.print(Text(line, style=style), soft_wrap=True)
