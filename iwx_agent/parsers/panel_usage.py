r"""What the panel's command line says to a question without an action: names of actions, layout unknown.

Only names of read actions are taken from it. ``listNodes`` is one wherever it stands; plain ``list`` only
where it stands as a name: between bars, commas or brackets, in quotes, alone on its line or in its first
column. So "a list of actions" in a sentence gives none.

>>> read_actions("Usage: -c CommandQueue -a [clear|list|listQueue|queryEdit]")
('list', 'listQueue', 'queryEdit')
>>> read_actions("Please give one of the list of actions:\n  listQueue   show the queue\n  retry\n")
('listQueue',)
"""

import re

_CHARACTERS = 64 * 1024
_NAMES_MAX = 100
_NEAR = 40  # characters before a name that are looked at
_NAME = re.compile(r"(?<![A-Za-z0-9_.-])(?:list|query)(?:[A-Z0-9][A-Za-z0-9]{0,60})?(?![A-Za-z0-9_-])")
_BEFORE = re.compile(r"(?:^|[\[|,(\"'`{:=*-])[ \t]*\Z")
_AFTER = re.compile(r"[ \t]*(?:$|[\]|,)\"'`}:=]|[ \t]{2}|\t|- )")


def read_actions(text: str) -> tuple[str, ...]:
    """Return the names of read actions (list..., query...) in the order of their first mention, each once."""
    found: dict[str, None] = {}
    for line in text[:_CHARACTERS].split("\n"):
        for name in _NAME.finditer(line):
            before = line[max(0, name.start() - _NEAR) : name.start()]
            stands_out = _BEFORE.search(before) and _AFTER.match(line, name.end())
            if stands_out or name[0] not in ("list", "query"):
                found.setdefault(name[0])
    return tuple(found)[:_NAMES_MAX]
