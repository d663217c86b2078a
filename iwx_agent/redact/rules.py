"""All rules, in the order in which they name what they hide when two find the same."""

from iwx_agent.redact.addresses import ADDRESSES
from iwx_agent.redact.commands import COMMANDS
from iwx_agent.redact.escapes import base64_escaped, html_escaped, json_escaped, url_escaped
from iwx_agent.redact.patterns import PATTERNS
from iwx_agent.redact.rule import Rule
from iwx_agent.redact.structure import NAMED, secret_files
from iwx_agent.redact.web import WEB

_PLAIN: tuple[Rule, ...] = (*NAMED, *WEB, *COMMANDS, *PATTERNS)
_ONCE = (json_escaped(_PLAIN), html_escaped(_PLAIN), url_escaped(_PLAIN))
_TWICE = (*_PLAIN, *_ONCE)
_ESCAPED = (json_escaped(_TWICE), html_escaped(_TWICE), url_escaped(_TWICE), base64_escaped(_TWICE))


def rules(files: tuple[str, ...] = ()) -> tuple[Rule, ...]:
    """Return all rules; ``files`` are paths of which nothing may leave: ``secret_file`` of the layout."""
    return (secret_files(files), *_PLAIN, *_ESCAPED, *ADDRESSES)
