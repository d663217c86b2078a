r"""``find -printf '%T@ %p\n'``: a time and a path per line; paths with control characters were not asked for.

>>> parse_edited_files("1795462807.1463108000 /etc/my.cnf\n1795459327.0 /etc/dovecot/conf.d/10 mail.conf\n")
(EditedFile(path='/etc/dovecot/conf.d/10 mail.conf', at=1795459327.0), EditedFile(path='/etc/my.cnf', at=1795462807.1463108))
"""  # noqa: E501

import re

from iwx_agent.model import ParseError
from iwx_agent.model.changes import EditedFile

_LINE = re.compile(r"(\d{1,12}(?:\.\d{1,12})?) (/.{1,4095})\Z")


def parse_edited_files(text: str, *, truncated: bool = False) -> tuple[EditedFile, ...]:
    """Return the files, the one that changed first in front; nothing found is an empty tuple.

    ``truncated`` says that the output was cut, so that its last line may be half a path and is left out.

    Raises:
        ParseError: for any other line.
    """
    lines = text.split("\n")
    if truncated:
        lines.pop()
    return tuple(sorted((_file(line) for line in lines if line), key=lambda file: (file.at, file.path)))


def _file(line: str) -> EditedFile:
    found = _LINE.match(line)
    if found is None:
        raise ParseError("a time and a path", line)
    return EditedFile(path=found[2], at=float(found[1]))
