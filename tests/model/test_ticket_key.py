"""The key of a ticket: the same for one incident, another for another, whatever the words are."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model.ticket import ticket_key

DAY = date(2026, 11, 23)


def test_the_key_is_what_any_other_program_would_reckon() -> None:
    # printf 'iwx1\0000123456789abcdef\0002026-11-23' | sha256sum
    assert ticket_key("iwx1", "0123456789abcdef", DAY) == "iwx-b223bd941d"


def test_server_cause_and_day_each_make_another_key() -> None:
    keys = {
        ticket_key(host, fingerprint, day)
        for host in ("iwx1", "iwx2")
        for fingerprint in ("a" * 16, "b" * 16)
        for day in (DAY, date(2026, 11, 24), None)
    }
    assert len(keys) == 12


@given(st.text(), st.text(), st.none() | st.dates())
def test_any_text_gives_a_key(host: str, fingerprint: str, day: date | None) -> None:
    key = ticket_key(host, fingerprint, day)
    assert key == ticket_key(host, fingerprint, day)
    assert len(key) == 14
    assert set(key[4:]) <= set("0123456789abcdef")


def test_half_of_a_surrogate_pair_is_no_obstacle() -> None:
    assert ticket_key("\ud800", "", None).startswith("iwx-")
