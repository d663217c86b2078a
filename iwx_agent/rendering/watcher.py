"""What ``doctor`` has found, in words: a line for each thing, and below a fault the command that mends it."""

from iwx_agent.model.watcher import Ailment, Health
from iwx_agent.rendering import words

_SAID_CHARACTERS = 500
_FIX_CHARACTERS = 500
STATE_WORDS = {"ok": "ok", "fault": "FAULT", "unknown": "could not tell", "skipped": "-"}
_WIDTH = max(map(len, STATE_WORDS.values()))
_INDENT = " " * (_WIDTH + 2)


def told(health: Health) -> str:
    """Return the finished text; its last line is the sum."""
    lines = [line for ailment in health.ailments for line in _lines(ailment)]
    return "\n".join((*lines, _sum(health))) + "\n"


def _lines(ailment: Ailment) -> tuple[str, ...]:
    state = STATE_WORDS[ailment.state]
    said = words.one_line(ailment.said, _SAID_CHARACTERS)
    line = f"{state:<{_WIDTH}}  {words.one_line(ailment.subject)}: {said}"
    return (line, f"{_INDENT}Fix: {words.one_line(ailment.fix, _FIX_CHARACTERS)}") if ailment.fix else (line,)


def _sum(health: Health) -> str:
    states = [ailment.state for ailment in health.ailments]
    parts = []
    if faults_count := states.count("fault"):
        parts.append(words.counted(faults_count, "fault"))
    if unknown_count := states.count("unknown"):
        parts.append(f"{words.counted(unknown_count, 'thing')} could not be told")
    return f"{', '.join(parts)}." if parts else "The watcher is well."
