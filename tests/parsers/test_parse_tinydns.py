"""tinydns' data file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.tinydns import parse_zones

DATA = """\
# zones of this server
.example.com:192.0.2.7:ns1.example.com:259200
+www.example.com:192.0.2.7:86400
Zexample.net:ns1.example.com.:hostmaster.example.net.:1
&example.net::ns1.example.com
&sub.example.com:192.0.2.8:ns1.sub.example.com
.example.com:192.0.2.8:ns2.example.com
Zbad name:x
"""


def test_zones_and_delegations_in_order_without_repeats() -> None:
    zones = parse_zones(DATA)
    assert zones.own == ("example.com", "example.net")
    assert zones.delegated == ("sub.example.com",)


def test_a_cut_last_line_is_left_out() -> None:
    assert parse_zones("Zexample.com:x\nZexampl", truncated=True).own == ("example.com",)
    assert parse_zones("Zexample.com:x\nZexampl").own == ("example.com", "exampl")


@pytest.mark.parametrize("text", ["", "# only words\n\n"])
def test_a_file_without_records_has_no_zones(text: str) -> None:
    assert parse_zones(text).own == ()


def test_another_file_is_refused_and_an_odd_line_passed_over() -> None:
    with pytest.raises(ParseError):
        parse_zones("$ORIGIN example.com\n@ IN SOA\n".replace("@", "x"))
    assert parse_zones("$odd\nZexample.com:x\n$again\n").own == ("example.com",)


@given(st.text(alphabet=st.sampled_from(".Z&:abc.\n#\0é")))
def test_any_text_gives_zones_or_a_parse_error(text: str) -> None:
    try:
        parse_zones(text)
    except ParseError:
        return
