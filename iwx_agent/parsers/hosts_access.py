r"""``hosts.deny`` and ``hosts.allow`` (hosts_access(5)): whether sshd is refused to everybody.

>>> line_that_denies("sshd", deny="# none\nsshd, vsftpd : ALL\n", allow="")
'sshd, vsftpd : ALL'
>>> line_that_denies("sshd", deny="ALL: ALL\n", allow="sshd: 192.0.2.\n")
''
"""

_LONGEST_LINE = 1024


def line_that_denies(program: str, *, deny: str, allow: str) -> str:
    """Return the line of ``deny`` that refuses the program to ALL; empty when ``allow`` names the program."""
    if any(_names(program, daemons) for daemons, _, _ in _lines(allow)):
        return ""
    for daemons, clients, line in _lines(deny):
        if _names(program, daemons) and clients and clients[0].upper() == "ALL" and "EXCEPT" not in clients:
            return line
    return ""


def _lines(text: str) -> list[tuple[list[str], list[str], str]]:
    found = []
    for raw in text.replace("\\\n", " ").split("\n"):
        line = raw.strip()[:_LONGEST_LINE]
        daemons, colon, clients = line.partition(":")
        if colon and not line.startswith("#"):
            words = [part.replace(",", " ").split() for part in (daemons, clients.partition(":")[0])]
            found.append((words[0], words[1], line))
    return found


def _names(program: str, daemons: list[str]) -> bool:
    return any(name.partition("@")[0] in (program, "ALL") for name in daemons)
