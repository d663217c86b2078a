"""The pages of a real help desk are understood: each field by its label, each button, each refusal."""

from pathlib import Path

import pytest

from iwx_agent.config import load_portal_form
from iwx_agent.transports.portal.endings import Sent, judge_page
from iwx_agent.transports.portal.exchange import Answer
from iwx_agent.transports.portal.mapping import Mapping, map_login, map_reply, map_ticket
from iwx_agent.transports.portal.markup import Unreadable
from iwx_agent.transports.portal.page import Page, read_page
from iwx_agent.transports.portal.words import Vocabulary

PAGES = Path(__file__).parents[1] / "pages"
WORDS = Vocabulary(load_portal_form(Path("/nonexistent")))
NAMES = {
    "sender_mail": ("submitter_email", "Your E-Mail Address"),
    "sender_name": ("custom_name", "Your Name"),
    "category": ("queue", "Category"),
    "place": ("custom_ip", "IP Address or Hostname"),
    "assistance": ("custom_remote_assistance", "Remote Assistance Enabled?"),
    "subject": ("title", "Subject"),
    "message": ("body", "Message"),
    "priority": ("priority", "Priority"),
    "attachment": ("attachment", "Attachment"),
}
RENAMED = {
    "priority": ("urgency", "Priority"),
    "assistance": ("f_22", "Is Remote Assistance enabled?"),
    "message": ("f_03", "Your Message"),
    "subject": ("ticket[headline]", "Ticket Subject"),
    "attachment": ("upload[]", "Attach a file"),
    "category": ("f_17", "Category of your request"),
    "place": ("f_21", "Server IP Address / Hostname"),
    "sender_name": ("f_23", "Full Name"),
    "sender_mail": ("f_99", "Email"),
}


def page(name: str) -> Page:
    return read_page((PAGES / f"helpdesk-{name}.html").read_bytes(), "text/html; charset=utf-8")


def names_of(mapping: Mapping) -> dict[str, tuple[str, str]]:
    return {one.meaning: (one.control.name, one.label) for one in mapping.assigned}


@pytest.mark.parametrize(("name", "names"), [("guest", NAMES), ("login", NAMES), ("renamed", RENAMED)])
def test_every_field_of_the_form_is_known_by_its_label(name: str, names: dict[str, tuple[str, str]]) -> None:
    found = map_ticket(page(name), WORDS)
    assert found.problems == ()
    assert names_of(found) == names
    assert found.button is not None
    assert found.button.text == "Submit Ticket"
    assert found.form is not None
    assert (found.form.action, found.form.method, found.form.multipart) == ("", "post", True)
    hidden = [one.name for one in found.form.controls if one.kind == "hidden"]
    assert "csrfmiddlewaretoken" in hidden


def test_what_the_page_says_of_a_field_is_read() -> None:
    found = map_ticket(page("guest"), WORDS)
    subject, category = found.field("subject"), found.field("category")
    assert subject is not None
    assert category is not None
    assert (subject.control.max_characters, subject.control.required) == (200, True)
    options = ["--------", "Billing", "General", "Licensing", "Support"]
    assert [one.text for one in category.control.options] == options


def test_the_accounts_own_address_is_in_the_form() -> None:
    found = map_ticket(page("login"), WORDS).field("sender_mail")
    assert found is not None
    assert found.control.value == "server1@example.com"


def test_the_login_page_is_no_form_for_a_ticket() -> None:
    found = page("login-page")
    assert map_ticket(found, WORDS).problems == ("the page asks to log in",)
    login = map_login(found, WORDS)
    assert login.understood
    assert names_of(login) == {"user": ("username", "Username"), "password": ("password", "Password")}


def test_the_tickets_page_has_the_form_for_a_reply() -> None:
    found = page("ticket")
    reply = map_reply(found, WORDS)
    assert reply.understood
    assert names_of(reply) == {"reply": ("comment", "Comment / Resolution")}
    assert map_ticket(found, WORDS).form is None


def test_no_page_is_taken_for_another() -> None:
    assert not map_reply(page("guest"), WORDS).understood
    assert not map_login(page("guest"), WORDS).understood
    assert not map_login(page("ticket"), WORDS).understood


def test_a_form_that_comes_back_with_errors_was_refused() -> None:
    found = page("refused")
    assert found.errors == ("There are errors in the form.", "This field is required.")
    answer = Answer(url="http://127.0.0.1/tickets/submit/", status=200, headers={}, body=b"x")
    sent = Sent(page_url=answer.url, subject="s", key="IWX-1", with_files=True, logged_in=False)
    ending = judge_page(found, answer, sent, WORDS)
    assert (ending.what, ending.why) == ("person", "the portal refused the form: This field is required.")


@pytest.mark.parametrize("name", ["guest", "login", "renamed", "refused", "login-page"])
def test_no_page_but_the_tickets_is_taken_for_a_confirmation(name: str) -> None:
    answer = Answer(url="http://127.0.0.1/tickets/submit/", status=200, headers={}, body=b"x")
    sent = Sent(page_url=answer.url, subject="s", key="IWX-1", with_files=False, logged_in=False)
    assert judge_page(page(name), answer, sent, WORDS).what in ("person", "uncertain")


@pytest.mark.parametrize("name", ["guest", "login", "renamed", "refused", "login-page", "ticket"])
def test_a_page_that_is_cut_off_anywhere_is_never_half_a_form(name: str) -> None:
    data = (PAGES / f"helpdesk-{name}.html").read_bytes()
    whole = page(name).forms
    for length in range(0, len(data), 397):
        try:
            found = read_page(data[:length], "text/html; charset=utf-8")
        except Unreadable:
            continue
        assert set(found.forms) <= set(whole)
