"""``dovecot.conf``: which protocols the administrator has switched on, as far as the main file tells.

>>> sorted(enabled_protocols("# protocols = imap pop3\\nprotocols = imap lmtp  # no POP3\\n"))
['imap', 'lmtp']
>>> enabled_protocols("ssl = yes\\n") is None
True
"""

from iwx_agent.model import ParseError

_NEVER_TEXT = "\0"


def enabled_protocols(text: str) -> frozenset[str] | None:
    """Return the protocols of the last top-level ``protocols =`` line, lower case.

    None when there is no such line, or when it refers to other settings (``$protocols``): then the file alone
    does not tell, and nobody may conclude that a protocol is off.
    """
    if _NEVER_TEXT in text:
        raise ParseError("a text file of settings", text)
    found: frozenset[str] | None = None
    depth = 0
    for line in text.splitlines():
        setting = line.partition("#")[0].strip()
        name, equals, value = setting.partition("=")
        if depth == 0 and equals and name.strip() == "protocols":
            words = value.lower().split()
            found = None if "$" in value else frozenset(word for word in words if word != "none")
        depth = max(0, depth + setting.count("{") - setting.count("}"))
    return found
