"""A text is known again on a page, whatever the portal has made of its signs; another text is not."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.transports.portal.standing import count_of, runs_of, stands_on

TEXT = """UPDATE
- The web server is down as well, since 14:05.
- 12,000 letters wait in the mail queue (it's growing).

See https://iwx1.example.com:2443/a/very/long/address?that=portals&like=to_shorten for more of what is known.
"""


@pytest.mark.parametrize(
    "page",
    [
        TEXT,
        f"Ticket T-1\n{TEXT}\nReply",
        TEXT.replace("\n", " "),
        TEXT.upper(),
        TEXT.replace("- ", "\u2022 ").replace("'", "\u2019"),
        TEXT.replace("https://iwx1.example.com:2443/a/very/long/address?that=portals&like=to_shorten",
                     "https://iwx1.example.com:2443/a/very/long/addre\u2026"),
        f"{TEXT.partition('letters')[0]} said yesterday\n{TEXT}",
    ],
)  # fmt: skip
def test_a_text_stands_on_a_page_that_has_changed_its_signs_only(page: str) -> None:
    assert stands_on(TEXT, page)
    assert count_of(TEXT, page) == 1
    assert count_of(TEXT, f"{page}\n{page}") == 2


@pytest.mark.parametrize(
    "page",
    [
        "",
        TEXT.replace("14:05", "14:10"),
        TEXT.replace("12,000", "13,000"),
        TEXT.replace("letters", "mails"),
        "\n".join(reversed(TEXT.splitlines())),
        TEXT.replace("growing).", f"growing). {'other words ' * 60}"),
        TEXT.partition("See")[0],
    ],
)
def test_another_text_or_a_part_of_it_is_not_this_one(page: str) -> None:
    assert not stands_on(TEXT, page)


@pytest.mark.parametrize("text", ["", "Solved.", "It is back.", "https://example.com/", "* * *", "a b\nc d"])
def test_what_is_too_short_may_stand_there_by_chance(text: str) -> None:
    assert not stands_on(text, f"{text}\n{text}")


def test_what_a_portal_puts_values_for_is_left_out() -> None:
    assert runs_of("the queue of {{ ticket.queue | upper }} has grown {%now%} too much for it") == (
        "the queue of",
        "too much for it",
    )


@given(st.text(), st.text(), st.text())
def test_a_text_is_found_between_any_others(before: str, text: str, after: str) -> None:
    page = f"{before}\n{text}\n{after}"
    if sum(map(len, runs_of(text))) >= 40:
        assert stands_on(text, page)
    if runs_of(text):
        assert count_of(text, page) >= 1


@pytest.mark.parametrize("piece", ["{{", "a@", "://", "word word word ", "{{x}} ", "www."])
def test_the_time_grows_with_the_size_only(piece: str) -> None:
    page = piece * (500_000 // len(piece))
    started = time.process_time()
    stands_on(TEXT, page)
    stands_on(page, page)
    count_of(page, page)
    assert time.process_time() - started < 5
