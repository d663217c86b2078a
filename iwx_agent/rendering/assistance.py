"""How Remote Assistance stands, in words for a terminal; what turning it on or off means."""

from iwx_agent.model import AssistanceReport
from iwx_agent.model.assistance import Turn
from iwx_agent.rendering import words

GRANTS = """\
Remote Assistance lets InterWorx support log in to this server as root, over SSH, without its password.
Whoever has their key can then read and change everything on it. It ends by itself after {hours} hours;
before that: iwx-agent remote-assistance disable. The server first fetches the vendor's public key from
the network. It will be recorded in {audit} and in the journal that you have turned it on.
"""
TAKES = """\
This takes away the way in for InterWorx support. A technician who is logged in is disconnected at once.
"""
LOOK_AT = "Look at NodeWorx > Remote Assistance, or ask again: iwx-agent remote-assistance status"


def explanation(turn: Turn, *, hours: int, audit: str) -> str:
    """Return what a person says yes to."""
    return GRANTS.format(hours=hours, audit=audit) if turn == "enable" else TAKES


def status_text(report: AssistanceReport) -> str:
    """Return the state, its end, how that is known, and whether support could get in; a few lines."""
    lines = [_state(report)]
    if report.source:
        lines.append(f"  known from: {words.one_line(report.source, 160)}")
    way = {
        True: "support can get in, as far as this server can tell",
        False: "support cannot get in over SSH:",
        None: "whether support can get in over SSH cannot be told for sure:",
    }[report.ready]
    lines.append(f"  {way}")
    lines.extend(f"  - {words.one_line(said, 300)}" for said in (*report.obstacles, *report.doubts))
    if report.ready:
        lines.append("  (a firewall in front of this server cannot be seen from here)")
    if report.state == "off":
        lines.append(
            "Support requires it for every ticket. To turn it on: iwx-agent remote-assistance enable"
        )
    return "\n".join(lines) + "\n"


def _state(report: AssistanceReport) -> str:
    if report.state == "on":
        until = f"until {words.at(report.ends_at)}" if report.ends_at else "when it ends is not told"
        return f"Remote Assistance is on, {until}."
    if report.state == "off":
        return "Remote Assistance is off."
    why = words.one_line(report.reason, 300) or "it was not asked for"
    return f"Whether Remote Assistance is on could not be told: {why}."
