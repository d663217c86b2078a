"""What is filled into a form is the letter's or the page's own, or the form is not sent."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters import letter

from iwx_agent.config import load_portal_form
from iwx_agent.transports.contract import Attachment
from iwx_agent.transports.portal.filling import CannotFill, Filled, cut_subject, fill_reply, fill_ticket
from iwx_agent.transports.portal.mapping import map_reply, map_ticket
from iwx_agent.transports.portal.page import read_page
from iwx_agent.transports.portal.words import Vocabulary

WORDS = Vocabulary(load_portal_form(Path("/nonexistent")))
CORE = {
    "Category": "<select name=category><option>Support</select>",
    "IP Address or Hostname": "<input name=place>",
    "Remote Assistance Enabled?": "<select name=assistance><option>Yes<option>No</select>",
    "Subject": "<input name=subject>",
    "Message": "<textarea name=message></textarea>",
    "Priority": "<select name=priority><option>Urgent</select>",
}


def fill(extra: str = "", fields: dict[str, str] | None = None, **more: Any) -> Filled:
    rows = "".join(f"<label>{label} {control}</label>" for label, control in (CORE | (fields or {})).items())
    html = f"<form method=post enctype=multipart/form-data>{rows}{extra}<button>Send</button></form>"
    mapping = map_ticket(read_page(html.encode()), WORDS)
    assert mapping.problems == ()
    return fill_ticket(mapping, letter(**more), WORDS)


def value_of(found: Filled, name: str) -> str:
    return dict(found.fields)[name]


@pytest.mark.parametrize(
    ("options", "value"),
    [
        ("<option value=1>Billing<option value=2>Support", "2"),
        ("<option value=1>Support requests for others<option value=2>1. Support", "2"),
        ("<option value=1>Sales<option value=2>Technical Support", "2"),
        ("<option value=1>Technical Support<option value=2>Support", "2"),
        ("<option value=1>Support - anything about your server", "1"),
    ],
)
def test_the_option_that_means_it_is_chosen(options: str, value: str) -> None:
    found = fill(fields={"Category": f"<select name=category>{options}</select>"})
    assert value_of(found, "category") == value


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("<option value=1>Billing<option value=2>Sales", "no option of Category means 'Support'"),
        ("<option value=''>Support", "no option of Category means 'Support'; there are: none"),
        ("<option disabled>Support", "no option of Category means 'Support'"),
        (
            "<option value=1>Support<option value=2>Support",
            "more than one option of Category means 'Support'",
        ),
        ("<option>Support for resellers only, no servers", "no option of Category means 'Support'"),
    ],
)
def test_no_option_is_chosen_by_a_guess(options: str, why: str) -> None:
    with pytest.raises(CannotFill) as raised:
        fill(fields={"Category": f"<select name=category>{options}</select>"})
    assert why in raised.value.why


def test_remote_assistance_can_be_a_box_to_tick() -> None:
    box = {"Remote Assistance Enabled?": "<input type=checkbox name=ra value=1>"}
    assert ("ra", "1") in fill(fields=box).fields
    assert "ra" not in dict(fill(fields=box, assistance="No").fields)
    with pytest.raises(CannotFill, match="can be ticked or not"):
        fill(fields=box, assistance="not determined")


def test_an_answer_that_is_not_known_is_not_made_up() -> None:
    with pytest.raises(CannotFill, match="no option of Remote Assistance Enabled"):
        fill(assistance="not determined")


def test_the_server_is_chosen_from_a_list_by_its_address_or_name() -> None:
    servers = "<select name=place><option value=7>192.0.2.7<option value=8>192.0.2.70</select>"
    assert value_of(fill(fields={"IP Address or Hostname": servers}), "place") == "7"
    others = "<select name=place><option value=8>192.0.2.70</select>"
    with pytest.raises(CannotFill, match="has 0 entries"):
        fill(fields={"IP Address or Hostname": others})


def test_what_nobody_touches_is_sent_as_the_page_has_it() -> None:
    extra = (
        "<input type=hidden name=h value=1><input name=t value=2><input type=checkbox name=c checked>"
        "<input type=checkbox name=u><input type=radio name=r value=3>"
        "<input type=radio name=r value=4 checked>"
        "<select name=s><option disabled>5<option>6</select><select name=m multiple><option>7</select>"
        "<input name=d value=8 disabled><input value=9><textarea name=a>10</textarea><input type=file name=f>"
    )
    found = fill(extra)
    assert found.fields[6:] == (("h", "1"), ("t", "2"), ("c", "on"), ("r", "4"), ("s", "6"), ("a", "10"))
    assert [(one.name, one.attachment) for one in found.files] == [("f", None)]


def test_the_accounts_own_address_is_left() -> None:
    own = "<label>Email <input name=e value=own@example.com></label><label>Name <input name=n></label>"
    found = fill(own)
    assert (value_of(found, "e"), value_of(found, "n")) == ("own@example.com", "Server iwx1")


@pytest.mark.parametrize(
    "hiding",
    [
        "style='display:none'",
        "style='color: red; VISIBILITY: hidden'",
        "style='position:absolute; left:-9999px'",
        "style='text-indent: -999em'",
        "style='opacity: 0; height: 0'",
        "hidden",
        "aria-hidden=true",
    ],
)
def test_a_trap_for_programs_is_left_as_it_is(hiding: str) -> None:
    trap = f"<div {hiding}><label>Name <input name=trap value='' tabindex=-1></label></div>"
    found = fill(f"{trap}<label>Name <input name=n></label>")
    assert (value_of(found, "trap"), value_of(found, "n")) == ("", "Server iwx1")
    radio = "<input type=radio name=r value=1 tabindex=-1>"
    found = fill(f"<fieldset {hiding}><legend>Remote assistance</legend><label>{radio}Yes</label></fieldset>")
    assert "r" not in dict(found.fields)


def test_the_accounts_own_name_is_left_out_where_it_is_switched_off() -> None:
    found = fill("<label>Name <input name=n value=Joe disabled></label>")
    assert "n" not in dict(found.fields)


def test_a_hidden_field_for_files_is_used_and_so_is_a_form_that_waits_for_its_button() -> None:
    one = Attachment(name="a.txt", media_type="text/plain", data=b"1")
    found = fill("<label>File <input type=file name=f hidden></label>", attachments=(one,))
    assert [file.attachment for file in found.files] == [one]
    html = "<div hidden><form method=post><label>Reply <textarea name=r></textarea></label></form></div>"
    assert map_reply(read_page(html.encode()), WORDS).understood


def test_a_guest_without_an_address_is_not_given_one() -> None:
    with pytest.raises(CannotFill, match="the form requires E-mail address, and none is set"):
        fill("<label>Email <input name=e required></label>", sender_mail="")


def test_files_go_where_they_fit() -> None:
    one = Attachment(name="a.tar.gz", media_type="application/gzip", data=b"1")
    two = Attachment(name="b.txt", media_type="text/plain", data=b"2")
    extra = (
        "<label>Attachment 1 <input type=file name=x accept='.pdf,.txt'></label>"
        "<label>Attachment 2 <input type=file name=y accept='application/*'></label>"
    )
    found = fill(extra, attachments=(one, two))
    assert [(file.name, file.attachment) for file in found.files] == [("x", two), ("y", one)]
    found = fill("<label>File <input type=file name=x multiple></label>", attachments=(one, two))
    assert [(file.name, file.attachment) for file in found.files] == [("x", one), ("x", two)]
    found = fill("<label>File <input type=file name=x></label>", attachments=(one, two))
    assert found.notes == ("not attached, since the form does not take it: b.txt",)
    assert fill(attachments=(one,)).files == ()


@given(st.text(max_size=60), st.text(max_size=60), st.integers(min_value=9, max_value=150))
def test_a_subject_that_is_cut_keeps_its_key(before: str, after: str, limit: int) -> None:
    subject = f"{before} [IWX-7f3a] {after}"
    found = cut_subject(subject, "IWX-7f3a", limit)
    assert "IWX-7f3a" in found
    assert len(found) <= limit
    assert found == subject or len(subject) > limit


def test_a_subject_without_room_for_the_key_is_not_sent() -> None:
    with pytest.raises(CannotFill, match="too few for the key"):
        cut_subject("x [IWX-7f3a]", "IWX-7f3a", 7)
    assert cut_subject("[IWX-7f3a] NodeWorx is down on a server", "IWX-7f3a", 21) == "[IWX-7f3a] NodeWorx i"
    assert cut_subject("NodeWorx is down on a server [IWX-7f3a]", "IWX-7f3a", 21) == "NodeWorx i [IWX-7f3a]"


@settings(max_examples=30)
@given(st.text(alphabet="ab\n", max_size=400).map("x".__add__), st.integers(min_value=311, max_value=390))
def test_a_message_that_is_cut_fits_as_it_is_sent(message: str, limit: int) -> None:
    area = {"Message": f"<textarea name=message maxlength={limit}></textarea>"}
    found = fill(fields=area, message=message, attachments=())
    sent = value_of(found, "message").replace("\n", "\r\n")
    assert len(sent) <= limit
    assert bool(found.notes) is ("[cut:" in sent)
    if not found.notes:
        assert sent == message.replace("\n", "\r\n")


def test_an_address_without_room_loses_the_name_only() -> None:
    short = {"IP Address or Hostname": "<input name=place maxlength=9>"}
    assert value_of(fill(fields=short), "place") == "192.0.2.7"
    with pytest.raises(CannotFill, match="may have 8 characters, and has 28"):
        fill(fields={"IP Address or Hostname": "<input name=place maxlength=8>"})


def test_a_reply_has_the_message_and_nothing_else() -> None:
    html = (
        "<form method=post><input type=hidden name=k value=1>"
        "<label>Reply <textarea name=r></textarea></label>"
        "<button name=go value=1>Reply</button></form>"
    )
    mapping = map_reply(read_page(html.encode()), WORDS)
    found = fill_reply(mapping, letter(message="down, too"), WORDS)
    assert found.fields == (("k", "1"), ("r", "down, too"), ("go", "1"))
    assert found.notes == ("not attached, since the form does not take it: bundle.tar.gz",)
