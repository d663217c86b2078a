"""Apache's own configuration test."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.httpd_test import config_error

CAPTURES = Path(__file__).parent / "captures/web"


def test_a_misspelt_directive_has_a_place() -> None:
    place, message = config_error((CAPTURES / "configtest-misspelt.txt").read_text())
    assert place == "/etc/lab-httpd/httpd.conf:21"
    assert message == (
        "AH00526: Syntax error on line 21 of /etc/lab-httpd/httpd.conf: Invalid command 'SSLCertificateFil', "
        "perhaps misspelled or defined by a module not included in the server configuration"
    )


def test_warnings_before_the_complaint_are_left_out() -> None:
    text = "AH00558: httpd: Could not reliably determine\nAH00526: Syntax error on line 3 of /a.conf:\nx\n"
    assert config_error(text) == ("/a.conf:3", "AH00526: Syntax error on line 3 of /a.conf: x")


def test_a_complaint_without_a_line() -> None:
    place, message = config_error((CAPTURES / "configtest-missing.txt").read_text())
    assert place == ""
    assert "Could not open configuration file /nonexistent/httpd.conf" in message


def test_no_complaint_is_refused_and_a_long_one_cut() -> None:
    with pytest.raises(ParseError):
        config_error(" \n")
    assert len(config_error("x" * 10_000_000)[1]) == 600


@given(st.text())
def test_any_text_gives_a_complaint_or_a_parse_error(text: str) -> None:
    try:
        config_error(text)
    except ParseError:
        return
