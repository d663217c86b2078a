"""A list of tickets as JSON tells what is in it, or that it proves nothing."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.transports.portal.json_list import JsonEntry, JsonList, read_json_list


def test_a_list_as_django_helpdesk_has_it() -> None:
    """Keys and words as django-helpdesk 2.6.1 answers at /api/user_tickets/."""
    body = b"""{"count":1,"next":null,"previous":null,"results":[{"ticket":"1 [support-1]","id":1,
    "priority":3,"title":"down [IWX-7f3a]","queue":{"title":"Support","id":1},"status":"Open"}]}"""
    found = read_json_list(body)
    assert (found.total_count, found.following, found.doubt) == (1, "", "")
    (entry,) = found.entries
    assert (entry.number, entry.address) == ("support-1", "")
    assert "down [IWX-7f3a]" in entry.text.splitlines()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"[]", JsonList(total_count=0)),
        (b'[{"subject":"a","id":7}]', JsonList(entries=(JsonEntry(number="7", text="a"),), total_count=1)),
        (
            b'{"data":[{"subject":"a"}],"next":"/2"}',
            JsonList(entries=(JsonEntry(number="", text="a"),), following="/2"),
        ),
        (b'{"data":[],"total":"3","next":4}', JsonList(more=True)),
        (b'{"data":[],"meta":{"next_page":2},"count":0}', JsonList(total_count=0, more=True)),
        (b'{"results":[],"data":[]}', JsonList(doubt="it has no list of tickets")),
        (b'{"error":"x"}', JsonList(doubt="it has no list of tickets")),
        (b"[1]", JsonList(doubt="it has no list of tickets")),
        (b'[{"id":1}]', JsonList(doubt="its entries have no subject")),
        (b"3", JsonList(doubt="it has no list of tickets")),
        (b"", JsonList(doubt="it is no JSON")),
        (b"[" * 100_000, JsonList(doubt="it is no JSON")),
        (b'"\xff"', JsonList(doubt="it is no JSON")),
    ],
)
def test_each_form_of_a_list(body: bytes, found: JsonList) -> None:
    assert read_json_list(body) == found


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda one: (
            st.lists(one) | st.dictionaries(st.sampled_from(["data", "title", "id", "next", "x"]), one)
        ),
    )
)
def test_any_json_is_a_list_or_a_doubt(value: object) -> None:
    found = read_json_list(msgspec.json.encode(value))
    assert found.doubt or all(isinstance(entry.text, str) for entry in found.entries)


@pytest.mark.parametrize(
    ("more", "address"),
    [
        ('"url":"/api/tickets/1/","html_url":"/tickets/1"', "/tickets/1"),
        ('"url":"/api/tickets/1/"', ""),
        ('"url":"/tickets/1.json"', ""),
        ('"link":"/tickets/1","url":3', "/tickets/1"),
    ],
)
def test_the_page_of_a_ticket_is_one_for_people(more: str, address: str) -> None:
    (entry,) = read_json_list(f'[{{"title":"a",{more}}}]'.encode()).entries
    assert entry.address == address
