"""A letter as text, JSON and mail: the same bytes each time, whatever it says, and nothing in it acts."""

import base64
import email
import email.policy
import hashlib
import json
import re
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letters import letter

from iwx_agent.transports.contract import Attachment, Letter
from iwx_agent.transports.wording import as_json, as_text, letter_id, media_type, names, plain_key, whole
from iwx_agent.transports.written_mail import MailError, addr_spec, mail_bytes, message_id, subject_of

UPDATE = "[{reference}] {subject}"
HOSTILE = "a\r\nBcc: victim@example.net\r\n\r\n<b>\x1b[31m\x00\ud800\u202e{{ x }}"


def written(one: Letter, sender: str = "agent@iwx1.example.com", to: str = "support@example.com") -> bytes:
    return mail_bytes(one, sender=sender, recipients=(to, "copy@example.com"), update_subject=UPDATE)


def read(data: bytes) -> EmailMessage:
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body()
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


# Text and JSON


def test_the_text_has_the_form_s_fields_in_its_order() -> None:
    assert as_text(letter(message="one\ntwo", subject="down\n[IWX-7f3a]")) == (
        "Category: Support\n\nIP Address or Hostname: 192.0.2.7 (iwx1.example.com)\n\n"
        "Remote Assistance Enabled?: Yes\n\nSubject: down [IWX-7f3a]\n\n"
        "Message:\none\ntwo\n\nPriority: Urgent\n"
    )
    assert as_text(letter(reference="T-1\nx")).startswith("Update to ticket: T-1 x\n\nCategory: ")


def test_the_json_has_all_of_a_letter() -> None:
    one = letter(
        message="ä\n", attachments=(Attachment(name="../a b", media_type="text/plain", data=b"\0\xff"),)
    )
    assert json.loads(as_json(one)) == {
        "version": 1,
        "id": "IWX-7f3a",
        "key": "IWX-7f3a",
        "kind": "new",
        "reference": "",
        "written_at": 1795450000.0,
        "ticket": {
            "category": "Support",
            "ip_address_or_hostname": "192.0.2.7 (iwx1.example.com)",
            "remote_assistance_enabled": "Yes",
            "subject": "NodeWorx is down on iwx1.example.com [IWX-7f3a]",
            "message": "ä\n",
            "priority": "Urgent",
        },
        "sender": {"name": "Server iwx1", "mail": "agent@iwx1.example.com"},
        "attachments": [
            {
                "name": "a_b",
                "media_type": "text/plain",
                "size_bytes": 2,
                "sha256": hashlib.sha256(b"\0\xff").hexdigest(),
                "base64": "AP8=",
            }
        ],
    }
    assert json.loads(as_json(one, with_data=False))["attachments"][0]["base64"] == ""


def test_an_update_says_so() -> None:
    found = json.loads(as_json(letter(reference="T-1")))
    assert (found["kind"], found["reference"], found["key"]) == ("update", "T-1", "IWX-7f3a")
    assert re.fullmatch(r"IWX-7f3a\.update-[0-9a-f]{16}", found["id"])


anything = st.text(max_size=80)
letters = st.builds(
    letter,
    key=anything,
    category=anything,
    ip_address_or_hostname=anything,
    subject=anything,
    message=st.text(max_size=400),
    priority=anything,
    sender_name=anything,
    reference=anything,
    attachments=st.lists(
        st.builds(Attachment, name=anything, media_type=anything, data=st.binary(max_size=40)), max_size=4
    ).map(tuple),
)
LONE = st.just(letter(subject=HOSTILE, message=HOSTILE, sender_name=HOSTILE, reference=HOSTILE, key=HOSTILE))


@given(one=letters | LONE)
def test_any_letter_is_json_that_says_what_it_says(one: Letter) -> None:
    found = json.loads(as_json(one))
    assert found["ticket"]["message"] == whole(one.message)
    assert [base64.b64decode(part["base64"]) for part in found["attachments"]] == [
        part.data for part in one.attachments
    ]
    assert as_json(one) == as_json(one)


@given(one=letters | LONE)
def test_any_letter_has_an_id_that_is_fit_for_a_header_and_a_file_name(one: Letter) -> None:
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,130}", letter_id(one))
    assert letter_id(one).startswith(plain_key(one.key))


@given(one=letters)
def test_any_attachments_have_names_of_their_own(one: Letter) -> None:
    found = names(one)
    assert len({name.lower() for name in found} | {"ticket.txt", "ticket.json"}) == len(found) + 2
    assert all(re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name) for name in found)


def test_a_name_that_is_taken_in_another_spelling_is_taken() -> None:
    many = tuple(Attachment(name=name, media_type="", data=b"") for name in ("a", "3-a", "A", "a", "2-A"))
    found = names(letter(attachments=many))
    assert len({name.lower() for name in found}) == 5


@pytest.mark.parametrize(
    ("given_type", "kept"),
    [
        ("application/gzip", True), ("text/html", True), ("application/vnd.x+json", True), ("", False),
        ("text", False), ("text/html; charset=x", False), ("multipart/mixed", False),
        ("message/rfc822", False), ("text/a\r\nX: y", False), ("a" * 41 + "/b", False),
    ],
)  # fmt: skip
def test_a_media_type_that_is_none_becomes_plain_bytes(given_type: str, kept: bool) -> None:
    one = Attachment(name="x", media_type=given_type, data=b"")
    assert media_type(one) == (given_type if kept else "application/octet-stream")


@pytest.mark.parametrize(
    ("key", "kept"), [("a", True), ("x" * 100, True), ("x" * 101, False), ("", False), (".a", False)]
)
def test_a_key_of_plain_characters_is_kept(key: str, kept: bool) -> None:
    assert (plain_key(key) == key) == kept


# Mail


@settings(deadline=None)  # the first one imports all of email
@given(one=letters | LONE)
def test_any_letter_is_a_mail_with_just_these_headers(one: Letter) -> None:
    data = written(one)
    assert data == written(one)
    assert data.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", data)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    mail = read(data)
    wanted = {"From", "To", "Cc", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Iwx-Agent-Key"}
    wanted |= {"In-Reply-To", "References"} if one.reference else set()
    shape = {"MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert set(mail.keys()) - shape == wanted
    assert len(mail.keys()) == len(set(mail.keys()))
    assert (mail["To"], mail["Cc"]) == ("support@example.com", "copy@example.com")
    assert mail["From"].addresses[0].addr_spec == "agent@iwx1.example.com"
    assert len(mail["From"].addresses) == 1
    assert [part.get_content() for part in map(as_bytes, mail.iter_attachments())] == [
        part.data for part in one.attachments
    ]
    assert text_of(mail).rstrip("\n") == as_text(one).replace("\0", "\ufffd").rstrip("\n")


def as_bytes(part: Any) -> Any:
    """Return an attachment whose content is read as bytes, also of a text."""
    part.set_type("application/octet-stream")
    return part


def test_a_mail_says_who_when_and_what() -> None:
    mail = read(written(letter(subject="Größe [IWX-7f3a]", sender_name="Bü, ro")))
    assert mail["Subject"] == "Größe [IWX-7f3a]"
    assert mail["From"].addresses[0].display_name == "Bü, ro"
    assert parsedate_to_datetime(mail["Date"]).timestamp() == 1_795_450_000
    assert mail["Message-ID"] == "<IWX-7f3a@iwx1.example.com>"
    assert (mail["Auto-Submitted"], mail["X-Iwx-Agent-Key"]) == ("auto-generated", "IWX-7f3a")
    assert "Date" not in read(written(letter(written_at=0.0)))


def test_an_update_stands_in_the_thread_of_its_ticket() -> None:
    first, second = (read(written(letter(reference="T-1", message=text))) for text in ("a", "b"))
    assert first["Subject"] == "[T-1] NodeWorx is down on iwx1.example.com [IWX-7f3a]"
    assert first["In-Reply-To"] == first["References"] == "<IWX-7f3a@iwx1.example.com>"
    assert first["Message-ID"] != second["Message-ID"]


def test_the_key_is_in_the_subject_however_long_it_is() -> None:
    found = subject_of(letter(subject="x" * 1000 + " [IWX-7f3a]"), UPDATE)
    assert found.endswith("… [IWX-7f3a]")
    assert len(found) < 320
    assert subject_of(letter(subject="x"), UPDATE) == "x [IWX-7f3a]"


def test_a_name_in_braces_is_not_filled_in_twice() -> None:
    assert (
        subject_of(letter(reference="{subject}", subject="s IWX-7f3a"), UPDATE) == "[s IWX-7f3a] s IWX-7f3a"
    )


def test_a_long_text_arrives_whole() -> None:
    one = letter(message="ä.\n.\n" * 100_000)
    assert text_of(read(written(one))).rstrip("\n") == as_text(one).rstrip("\n")


def test_a_text_that_looks_like_a_boundary_is_none() -> None:
    first = written(letter())
    boundary = read(first).get_boundary()
    again = letter(message=f"--{boundary}\r\nContent-Type: text/html\r\n\r\n<b>x")
    mail = read(written(again))
    assert mail.get_boundary() != boundary
    assert len(list(mail.iter_attachments())) == 1


@pytest.mark.parametrize(
    "good",
    ["a@b", "a.b+c@mail.example.com", "o'hara@example.com", "x" * 64 + "@example.com", "a@" + "b" * 252],
)
def test_an_address_is_taken(good: str) -> None:
    assert addr_spec(good) == good


@pytest.mark.parametrize(
    "bad",
    [
        "", "a", "@", "a@", "@b", "a b@c", "a@b c", "a@b,c@d", "a@b>", "<a@b>", "a@b\n",
        "a@b\r\nRCPT TO:<x@y>",
        "ä@b", "a@ä", "a..b@c", ".a@c", "a.@c", "a@b..c", "a@.b", "a@b.", "x" * 65 + "@b", "a@" + "b" * 253,
        '"a b"@c', "a@[127.0.0.1]", "a\0@b",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(bad: str) -> None:
    with pytest.raises(MailError, match="not a mail address"):
        addr_spec(bad)
    with pytest.raises(MailError):
        written(letter(), to=bad)
    with pytest.raises(MailError):
        written(letter(), sender=bad)


@given(address=st.text(max_size=60))
def test_any_text_is_an_address_that_is_safe_on_the_line_or_none(address: str) -> None:
    try:
        found = addr_spec(address)
    except MailError:
        return
    assert re.fullmatch(r"[!-;=?-~]+@[!-;=?-~]+", found)


@pytest.mark.parametrize(
    ("identity", "domain", "wanted"),
    [
        ("IWX-1", "example.com", "<IWX-1@example.com>"),
        ("x" * 40, "d" * 22, f"<{'x' * 40}@{'d' * 22}>"),
        ("IWX-1", "d" * 23, "<IWX-1@mail.iwx-agent.invalid>"),
        ("x" * 41, "d", f"<{hashlib.sha256(b'x' * 41).hexdigest()[:40]}@d>"),
    ],
)
def test_a_message_id_fits_on_its_line(identity: str, domain: str, wanted: str) -> None:
    assert message_id(identity, domain) == wanted
