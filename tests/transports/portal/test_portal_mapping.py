"""A form is understood whole or not at all; what keeps it from being so is said in words."""

from pathlib import Path

import pytest

from iwx_agent.config import load_portal_form
from iwx_agent.transports.portal.mapping import Mapping, map_login, map_ticket
from iwx_agent.transports.portal.page import read_page
from iwx_agent.transports.portal.words import Vocabulary

WORDS = Vocabulary(load_portal_form(Path("/nonexistent")))
CORE = {
    "Category": "<select name=c><option>Support</select>",
    "IP Address or Hostname": "<input name=p>",
    "Remote Assistance Enabled?": "<select name=a><option>Yes</select>",
    "Subject": "<input name=s>",
    "Message": "<textarea name=m></textarea>",
    "Priority": "<select name=u><option>Urgent</select>",
}


def form(extra: str = "", *, button: str = "<button>Submit</button>", tag: str = "method=post") -> str:
    rows = "".join(f"<label>{label} {control}</label>" for label, control in CORE.items())
    return f"<form {tag}>{rows}{extra}{button}</form>"


def mapped(html: str) -> Mapping:
    return map_ticket(read_page(html.encode()), WORDS)


def test_the_guides_form_is_understood() -> None:
    found = mapped(form())
    assert found.understood
    assert [one.meaning for one in found.assigned] == [
        *("category", "place", "assistance", "subject", "message", "priority"),
    ]


@pytest.mark.parametrize(
    "extra",
    [
        "<label>Phone (optional) <input name=x></label>",
        "<label>Due on <input type=date name=x></label>",
        "<label>Server * <select name=x><option value=1>a<option value=2 selected>b</select></label>",
        "<label>I agree * <input type=checkbox name=x checked></label>",
        "<label>Name * <input name=n></label><label>Email * <input type=email name=e></label>",
        "<label>Licence * <input name=x disabled></label>",
        "<label>Name <input name=n value=a disabled></label>",  # WHMCS, with an account
        "<p style='display: none'><label>Subject * <input name=x required></label></p>",
        "<input type=hidden name=x required>",
        "<button name=b value=p>Preview</button>",  # which is which is told by its words
    ],
)
def test_what_is_not_the_tickets_does_no_harm(extra: str) -> None:
    assert mapped(form(extra)).problems == ()


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        (form("<label>Licence * <input name=x></label>"), "the form requires 'Licence *'"),
        (form("<label>Server * <select name=x><option value=1>a</select></label>"), "requires 'Server *'"),
        (form("<label>I agree * <input type=checkbox name=x></label>"), "the form requires 'I agree *'"),
        (
            form("<label>Server * <select name=x><option value=0 selected>a<option>b</select></label>"),
            "the form requires 'Server *'",
        ),
        (
            form("<label>Server * <select name=x><option selected>-- Please select --</select></label>"),
            "the form requires 'Server *'",
        ),
        (
            form("<label>Server * <select name=x><option value=9 selected>---</select></label>"),
            "the form requires 'Server *'",
        ),
        (form("<label>Name <input name=n disabled></label>"), "is switched off until a script"),
        (form().replace("name=p", "name=p style='left:-999px'"), "no field for IP Address"),
        (form("<input name=x required>"), "the form requires 'x'"),
        (form("<label>Summary <input name=x></label>"), "2 fields claim to be Subject: Subject, Summary"),
        (form(button="<button>Go on</button><button>Draft</button>"), "which button sends the ticket"),
        (form(tag=""), "the form would be sent by GET"),
        (form(tag="method=post action='javascript:go()'"), "the form is sent by a script or by mail"),
        (form(button="<button formmethod=get>Submit</button>"), "the form would be sent by GET"),
        (form().replace("name=p", "disabled name=p"), "is switched off until a script switches it on"),
        (form().replace("name=p", ""), "has no name: a script would send it"),
        (form().replace("<textarea name=m></textarea>", "<input type=date name=m>"), "labelled as Subject"),
        (form().replace("<input name=p>", "<input type=file name=p>"), "is a file, which cannot hold"),
        (form().replace("Priority", "Colour"), "the form has no field for Priority"),
        (form() + form(), "the page has 2 forms with the fields subject and message"),
        (form("<div class=g-recaptcha></div>"), "the page has reCAPTCHA"),
        ("<div class=h-captcha></div>", "no form for a ticket, but hCaptcha"),
        ("<form><input type=password></form>", "the page asks to log in"),
        ("<script>go()</script><div id=root></div>", "only scripts that would make one in a browser"),
        ("<form><input name=q></form>", "no form of the page has fields that are labelled as Subject"),
        ("<p>Closed</p>", "the page has no form"),
    ],
)
def test_what_is_not_understood_is_said(html: str, problem: str) -> None:
    found = mapped(html)
    assert not found.understood
    assert any(problem in one for one in found.problems), found.problems


def test_a_form_without_a_button_is_sent_as_it_is() -> None:
    found = mapped(form(button=""))
    assert (found.understood, found.button) == (True, None)


def login(inside: str) -> Mapping:
    return map_login(read_page(inside.encode()), WORDS)


USER, PASSWORD = "<label>Email <input name=u></label>", "<label>Password <input type=password name=p></label>"


def test_a_login_is_a_form_with_one_password() -> None:
    assert login(f"<form method=post>{USER}{PASSWORD}<button>Log in</button></form>").understood
    both = login(f"<form>{USER}{PASSWORD}</form><form>{USER}{PASSWORD}</form>")
    assert both.problems == ("the page has more than one login form",)
    register = login(f"<form>{USER}{PASSWORD}{PASSWORD}</form>")
    assert register.problems == ("the page has no form that asks for one password",)
    code = login(f"<form>{USER}{PASSWORD}<label>One-time code * <input name=o></label></form>")
    assert code.problems == ("the form requires 'One-time code *', which is no field of the ticket",)
    unknown = login(f"<form><label>Member <input name=u></label>{PASSWORD}</form>")
    assert unknown.problems == ("no field of the login form is labelled as the user",)
