"""A field is known by what a person reads beside it, wherever the page keeps that; never by its name."""

import pytest

from iwx_agent.transports.portal.markup import Unreadable
from iwx_agent.transports.portal.page import Control, Page, read_page


def form_of(inside: str) -> tuple[Control, ...]:
    return page_of(f"<form method=post>{inside}</form>").forms[0].controls


def page_of(html: str) -> Page:
    return read_page(html.encode(), "text/html; charset=utf-8")


def labels_of(control: Control) -> list[tuple[str, str]]:
    return [(one.how, one.texts[0]) for one in control.labels]


@pytest.mark.parametrize(
    ("inside", "how", "text"),
    [
        ("<label for=a>Subject</label><input id=a name=x>", "label for", "Subject"),
        ("<label>Subject <input name=x></label>", "label around", "Subject"),
        ("<label>Subject: <b>*</b><select name=x><option>no label</select></label>", "label around", None),
        ("<input name=x aria-label='Subject'>", "aria-label", "Subject"),
        (
            "<b id=b>Sub</b><i id=c>ject</i><input name=x aria-labelledby='b c'>",
            "aria-labelledby",
            "Sub ject",
        ),
        ("<fieldset><legend>Subject</legend><input name=x></fieldset>", "legend", "Subject"),
        ("<div><label>Subject</label><div><input name=x></div></div>", "label before", "Subject"),
        ("<table><tr><td>Subject</td><td><input name=x></td></tr></table>", "table heading", "Subject"),
        (
            "<table><tr><th>Subject</th></tr><tr><td><input name=x></td></tr></table>",
            "table heading",
            "Subject",
        ),
        ("<dl><dt>Subject</dt><dd><input name=x></dd></dl>", "term before", "Subject"),
        ("<input name=x placeholder=Subject>", "placeholder", "Subject"),
        ("<input name=x title=Subject>", "title", "Subject"),
    ],
)
def test_a_label_is_found_wherever_it_stands(inside: str, how: str, text: str | None) -> None:
    (control,) = form_of(inside)
    assert labels_of(control)[0] == (how, text or "Subject: *")


def test_a_name_is_no_label() -> None:
    (control,) = form_of("<input name=subject id=subject>")
    assert control.labels == ()


def test_the_label_of_another_field_is_not_taken() -> None:
    first, second = form_of("<p><label for=a>Subject</label><input id=a><input id=b></p>")
    assert labels_of(first) == [("label for", "Subject")]
    assert second.labels == ()
    first, second = form_of("<label>Both <input name=a><input name=b></label>")
    assert (labels_of(first), second.labels) == ([("label around", "Both")], ())
    first, second = form_of("<table><tr><td><input name=a></td><td><input name=b></td></tr></table>")
    assert (first.labels, second.labels) == ((), ())


def test_what_explains_a_label_can_be_left_out() -> None:
    inside = "<label for=a>Message <small class=help>What happened?</small></label><textarea id=a></textarea>"
    (control,) = form_of(inside)
    assert control.labels[0].texts == ("Message What happened?", "Message")


@pytest.mark.parametrize(
    ("inside", "required"),
    [
        ("<label>a <input required></label>", True),
        ("<label>a <input aria-required=true></label>", True),
        ("<label>a <input class='form required'></label>", True),
        ("<label>a * <input></label>", True),
        ("<label>a (required) <input></label>", True),
        ("<label>a (not required) <input></label>", False),
        ("<label>a <input class=not-required-here-at-all></label>", True),  # rather asked than left out
        ("<label>a <input></label>", False),
    ],
)
def test_what_must_be_filled_in_is_seen(inside: str, required: bool) -> None:
    assert form_of(inside)[0].required is required


def test_radio_buttons_of_one_name_are_one_field() -> None:
    (control,) = form_of(
        "<fieldset><legend>Remote Assistance Enabled?</legend>"
        "<label><input type=radio name=r value=1 required> Yes</label>"
        "<input type=radio name=r id=n checked><label for=n>No</label>"
        "<input type=radio name=r value=3 disabled> Not sure</fieldset>"
    )
    assert labels_of(control) == [("legend", "Remote Assistance Enabled?")]
    assert [(one.value, one.text, one.chosen, one.disabled) for one in control.options] == [
        ("1", "Yes", False, False),
        ("on", "No", True, False),
        ("3", "Not sure", False, True),
    ]
    assert (control.kind, control.required, control.disabled) == ("radio", True, False)
    (control,) = form_of("<b role=group aria-label=Priority><input type=radio name=p><i>Urgent</i></b>")
    assert labels_of(control) == [("aria-label", "Priority")]
    assert control.options[0].text == "Urgent"


def test_fields_belong_to_the_form_that_they_name() -> None:
    page = page_of("<form id=f></form><form><input name=b form=f></form><input name=c form=f><input name=d>")
    assert [[one.name for one in form.controls] for form in page.forms] == [["b", "c"], []]


def test_options_are_read_as_a_browser_does() -> None:
    (control,) = form_of(
        "<select name=s><option>One<option value=2 selected>Two"
        "<optgroup disabled><option label=Three value=3></optgroup></select>"
    )
    assert [(one.value, one.text, one.chosen, one.disabled) for one in control.options] == [
        ("One", "One", False, False),
        ("2", "Two", True, False),
        ("3", "Three", False, True),
    ]


def test_a_text_area_keeps_its_text() -> None:
    (control,) = form_of("<textarea name=t>\r\nfirst <b>\nsecond &amp;</textarea>")
    assert control.value == "first <b>\nsecond &"


def test_what_is_not_shown_is_not_read() -> None:
    page = page_of("<p>a<p hidden>b<p style='display: none'>c<template><form></form></template><p>d")
    assert (page.text, page.forms) == ("a\nd", ())


def test_errors_are_seen_where_the_page_puts_them() -> None:
    page = page_of(
        "<div class=errors><p class=error>Name it.</p></div><div role=alert class='alert-success'>Saved."
        "</div><div role=alert>Not saved.</div><input class=error><p class=error> </p>"
    )
    assert page.errors == ("Name it.", "Not saved.")


@pytest.mark.parametrize(
    ("html", "captcha"),
    [
        ("<div class=g-recaptcha></div>", "reCAPTCHA"),
        ("<script src='https://js.hcaptcha.com/1/api.js'></script>", "hCaptcha"),
        ("<div class=cf-turnstile></div>", "Turnstile"),
        ("<img src=/captcha/image/3>", "a captcha"),
        ("<p>We have no captcha.</p>", ""),
    ],
)
def test_a_captcha_is_seen(html: str, captcha: str) -> None:
    assert page_of(html).captcha == captcha


def test_a_page_that_leads_on_says_where() -> None:
    assert page_of("<meta http-equiv=Refresh content='0; URL=/next'>").refresh == "/next"
    assert page_of("<meta http-equiv=Refresh content=30>").refresh == ""


def test_the_token_of_a_script_is_taken() -> None:
    assert page_of("<meta name=csrf-token content=abc>").tokens == (("X-CSRF-Token", "abc"),)
    assert page_of("<meta name=csrf-token content='a\nb'>").tokens == ()


@pytest.mark.parametrize(
    ("body", "content_type", "text", "charset"),
    [
        (b"<p>\xe9\x80</p>", "text/html; charset=ISO-8859-1", "é€", "cp1252"),
        (b"<meta charset='windows-1252'><p>\xe9\x80</p>", "text/html", "é€", "windows-1252"),
        ("<p>é</p>".encode(), "text/html", "é", "utf-8"),
        (b"<p>\xe9</p>", "text/html; charset=utf-8", "\ufffd", "utf-8"),
        (b"<p>\xe9</p>", "text/html; charset=zip", "é", "cp1252"),
        ("<p>я</p>".encode("koi8-r"), "text/html; charset=koi8-r", "я", "koi8-r"),
    ],
)
def test_a_page_is_read_in_its_own_charset(body: bytes, content_type: str, text: str, charset: str) -> None:
    page = read_page(body, content_type)
    assert (page.text, page.charset) == (text, charset)


def test_many_labels_of_one_name_are_not_all_kept() -> None:
    controls = form_of("<label for=x>a</label>" * 100 + "<input id=x name=y>" * 50)
    assert {len(one.labels) for one in controls} == {5}
    control = form_of(f"<b id=b>{'a' * 300}</b><input aria-labelledby='{'b ' * 100}'>")[0]
    assert len(control.labels[0].texts[0]) == 300


def test_a_page_of_endless_fields_is_not_read() -> None:
    with pytest.raises(Unreadable, match="the page has more than 10000 fields"):
        page_of(f"<form>{'<input>' * 477}</form>" * 21)
