"""A verdict line by line: what it says, by which rule, because of which incidents."""

import textwrap

from iwx_agent.model import LastVerdict, Step
from iwx_agent.rendering import words

_WIDTH = 80
_ABOUT_CHARACTERS = 11


def explain(kept: LastVerdict) -> str:
    """Return the explanation as text, the strongest first."""
    host = words.one_line(kept.host, 100)
    checks = words.counted(kept.checks_count, "check")
    lines = [
        f"Verdict of {words.at(kept.collected_at)} on {host}: {checks}, iwx-agent {kept.agent_version}",
    ]
    named = {i.fingerprint: f"{i.title} ({i.code}, {i.subject})" for i in kept.incidents}
    for step in kept.verdict.trace:
        lines.append("")
        lines.extend(_step(step, named))
    return "\n".join(lines) + "\n"


def _step(step: Step, named: dict[str, str]) -> list[str]:
    about = step.about.replace("_", " ")
    because = [words.one_line(named.get(one, one), 400) for one in step.because]
    if about == "incident" and because:
        return [*_wrapped(about, because[0]), *_wrapped("", words.one_line(step.said)), *_rule(step)]
    shown = because[:4] + ([f"and {len(because) - 4} more"] if len(because) > 4 else [])
    return [
        *_wrapped(about, words.one_line(step.said, 1000)),
        *_rule(step),
        *(line for one in shown for line in _wrapped("", f"because of: {one}")),
    ]


def _rule(step: Step) -> list[str]:
    return _wrapped("", f"rule: {words.one_line(step.rule, 1000)}")


def _wrapped(about: str, text: str) -> list[str]:
    first = f"{about:<{_ABOUT_CHARACTERS}} "
    return textwrap.wrap(
        text,
        width=_WIDTH,
        initial_indent=first,
        subsequent_indent=" " * (len(first) + (2 if not about else 0)),
        break_on_hyphens=False,
    )
