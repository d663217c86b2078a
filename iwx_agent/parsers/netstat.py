r"""``/proc/net/netstat``: a line of names, a line of numbers, for each protocol; totals since boot.

>>> text = "TcpExt: SyncookiesSent ListenOverflows TCPReqQFullDrop\nTcpExt: 1935 2 0\n"
>>> counters = parse_tcp_counters(text)
>>> counters.cookies_sent_count, counters.listen_overflows_count, counters.requests_dropped_count
(1935, 2, 0)
"""

from itertools import pairwise

from iwx_agent.model import ParseError
from iwx_agent.model.system import TcpCounters

_PREFIX = "TcpExt: "
_LONGEST_DIGITS = 20


def parse_tcp_counters(text: str) -> TcpCounters:
    """Return the counters of half-open connections; one that this kernel does not keep is 0.

    Raises:
        ParseError: when there is no pair of TcpExt lines, or SyncookiesSent is not among them.
    """
    for names, numbers in pairwise(text.split("\n")):
        if names.startswith(_PREFIX) and numbers.startswith(_PREFIX):
            found = dict(zip(names.split()[1:], numbers.split()[1:], strict=False))
            return TcpCounters(
                cookies_sent_count=_count(found.get("SyncookiesSent", ""), text),
                requests_dropped_count=_count(found.get("TCPReqQFullDrop", "0"), text),
                listen_overflows_count=_count(found.get("ListenOverflows", "0"), text),
            )
    raise ParseError("two lines that begin with TcpExt", text)


def _count(number: str, text: str) -> int:
    if not (number.isascii() and number.isdigit()) or len(number) > _LONGEST_DIGITS:
        raise ParseError("SyncookiesSent and its like in TcpExt", text)
    return int(number)
