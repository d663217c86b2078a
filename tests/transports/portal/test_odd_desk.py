"""Each way in which a help desk can behave badly has its ending; nothing is sent twice, nothing elsewhere."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from desk.odd import PASSWORD, RETRY_AFTER_S, USER, Act, OddDesk
from desk.odd_behaviours import BEHAVIOURS, said, status
from desk.odd_pages import HIDDEN, form_page
from letters import ending, kind_of, letter

from iwx_agent.config import load_portal_form
from iwx_agent.host.live import LiveHost
from iwx_agent.transports.contract import Attachment, CannotLook, Credentials, NotFound, Receipt, Undelivered
from iwx_agent.transports.portal import Place, PortalTransport

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

FORM = load_portal_form(Path("/nonexistent"))
TABLE = Path(__file__).parents[3] / "docs" / "reference" / "transport-portal-cases.md"
LARGE = Attachment(name="bundle.tar.gz", media_type="application/gzip", data=bytes(8_000_000))
PAGE_MAX_BYTES = 256 * 1024


def portal(host: LiveHost, desk: OddDesk, **more: Any) -> PortalTransport:
    return PortalTransport(host, Place(**({"address": desk.form} | more)), FORM)


class Case(NamedTuple):
    """How a delivery ends, with these words; how often the form was posted, and a ticket made of it."""

    kind: str
    said: str
    posts_count: int
    tickets_count: int = 0
    limit_s: float = 5.0


CASES = {
    "good": Case("accepted", "status 302 to the ticket's page", 1, 1),
    "said-200": Case("accepted", "status 200 with a confirmation", 1, 1),
    "said-201": Case("accepted", "status 201 to the ticket's page", 1, 1),
    "thanks-200": Case("uncertain", "no sign that the ticket was accepted", 1, 1),
    "empty-200": Case("uncertain", "an empty page", 1, 1),
    "cut-200": Case("uncertain", "closed before its end", 1, 1),
    "by-category": Case("accepted", "status 302", 1, 1),
    "by-category-posted": Case("accepted", "status 302", 1, 1),
    "renamed": Case("accepted", "status 302", 1, 1),
    "other-charset": Case("accepted", "status 302", 1, 1),
    "captcha": Case("person", "reCAPTCHA, which only a person can answer", 0),
    "captcha-question": Case("person", "the question 'Security code', which only a person can answer", 0),
    "captcha-after": Case("person", "status 403 with reCAPTCHA", 1),
    "script-only": Case("person", "only scripts that would make one in a browser", 0),
    "script-fields": Case("person", "no field for Priority (the page has scripts: they may add fields", 0),
    "unknown-required": Case("person", "the form requires 'Licence key *'", 0),
    "field-missing": Case("person", "the form has no field for IP Address or Hostname", 0),
    "terms": Case("person", "the form requires 'I accept the terms'", 0),
    "by-get": Case("person", "would be sent by GET", 0),
    "two-forms": Case("person", "the page has 2 forms", 0),
    "switched-off": Case("person", "is switched off until a script switches it on", 0),
    "damaged": Case("person", "a tag <input> is damaged", 0),
    "maintenance-200": Case("person", "the page has no form", 0),
    "two-subjects": Case("person", "2 fields claim to be Subject", 0),
    "refused-200": Case("person", "the portal refused the form: Enter a valid hostname.", 1),
    "hostile-error": Case("person", "the portal refused the form: ", 1),
    "no-archive": Case("accepted", "sent without its attachments: the portal refused the attachment", 2, 1),
    "post-400": Case("permanent", "status 400", 1),
    "post-401": Case("permanent", "status 401: the session or its token was not accepted", 2),
    "post-403": Case("permanent", "status 403: the session or its token was not accepted", 2),
    "post-404": Case("permanent", "status 404", 1),
    "post-409": Case("uncertain", "status 409: it conflicts", 1),
    "post-413": Case("permanent", "status 413: the ticket is too large", 2),
    "early-413": Case("accepted", "sent without its attachments: status 413", 2, 1),
    "post-422": Case("permanent", "status 422", 1),
    "post-429": Case("later", "status 429", 1),
    "post-500": Case("uncertain", "status 500: the ticket may have been stored", 1),
    "post-502": Case("uncertain", "status 502", 1),
    "post-503": Case("later", "status 503", 1),
    "error-200": Case("uncertain", "no sign that the ticket was accepted", 1),
    "get-403": Case("permanent", "status 403", 0),
    "get-404": Case("permanent", "status 404", 0),
    "get-429": Case("later", "status 429", 0),
    "get-500": Case("later", "status 500", 0),
    "get-503": Case("later", "status 503", 0),
    "gone": Case("later", "connection refused", 0),
    "drop-unread": Case("uncertain", "the form was sent, and then: ", 1),
    "drop-before": Case("uncertain", "the form was sent, and then: the connection was closed", 1),
    "drop-after": Case("uncertain", "the form was sent, and then: the connection was closed", 1, 1),
    "hang-unread": Case("uncertain", "the form was sent, and then: ", 1, limit_s=1.0),
    "hang-after": Case("uncertain", "the form was sent, and then: ", 1, 1, limit_s=1.0),
    "drip-after": Case("uncertain", "took longer than 1.0 s", 1, 1, limit_s=1.0),
    "drip-head": Case("uncertain", "took longer than 1.0 s", 1, 1, limit_s=1.0),
    "endless-after": Case("uncertain", "has more than 2097152 bytes", 1, 1),
    "get-drop": Case("later", "the connection was closed", 0),
    "get-hang": Case("later", "took longer than 1.0 s", 0, limit_s=1.0),
    "get-drip": Case("later", "took longer than 1.0 s", 0, limit_s=1.0),
    "get-endless": Case("person", "has more than 2097152 bytes", 0),
    "get-bomb": Case("person", "unpacks to more than 2097152 bytes", 0),
    "get-cut": Case("later", "closed before its end", 0),
    "get-login": Case("person", "asks to log in, and no account is set", 0),
    "get-elsewhere": Case("person", "which is another place: nothing is sent there", 0),
    "get-round": Case("later", "redirects without end", 0),
    "post-login": Case("uncertain", "to the login page, after a form that needed no login", 1),
    "post-login-ticket": Case("uncertain", "to ticket T-1, which may be this one", 1, 1),
    "post-elsewhere": Case("uncertain", "not followed", 1),
    "post-307": Case("permanent", "the form is now at", 1),
    "action-elsewhere": Case("person", "the form would be sent to another place", 0),
    "token-missing": Case("permanent", "status 403: the session or its token was not accepted", 2),
    "token-stale-once": Case("accepted", "status 302", 2, 1),
}
WITH_ACCOUNT = {
    "login-elsewhere": Case("person", "the form would be sent to another place", 0),
    "login-captcha": Case("person", "the login has a captcha", 0),
    "login-by-get": Case("person", "would send the password in an address", 0),
    "login-again": Case("permanent", "the login was refused: it leads back to the login form", 0),
    "session-lost-ticket": Case("uncertain", "to ticket T-1, which may be this one", 1, 1),
    "get-login": Case("accepted", "status 302", 1, 1),
    "session-lost-once": Case("accepted", "status 302", 2, 1),
    "session-lost": Case("uncertain", "the session is lost, twice: perhaps it was none", 2),
}


@pytest.fixture
def elsewhere() -> Iterator[OddDesk]:
    with OddDesk("good") as one:
        yield one


def check(name: str, case: Case, host: LiveHost, elsewhere: OddDesk, **more: Any) -> Receipt | Undelivered:
    with OddDesk(name, elsewhere=elsewhere.url.replace("127.0.0.1", "localhost")) as desk:
        attached = {"attachments": (LARGE,)} if name == "early-413" else {}
        found = ending(portal(host, desk, **more), letter(**attached), limit_s=case.limit_s)
        assert kind_of(found) == case.kind, found
        assert case.said in (found.said if isinstance(found, Receipt) else found.why)
        assert (len(desk.posts), len(desk.tickets)) == (case.posts_count, case.tickets_count)
    assert elsewhere.requests == []
    if isinstance(found, Undelivered):
        assert found.why.isprintable()
        assert len(found.page) <= PAGE_MAX_BYTES
        pasted = case.kind in ("person", "permanent")
        assert ("Remote Assistance Enabled?: Yes" in found.next_step) is pasted
        assert found.retry_after_s == (RETRY_AFTER_S if name.endswith(("429", "503")) else 0)
    else:
        assert found.reference == "T-1"
    return found


@pytest.mark.parametrize("name", CASES)
def test_each_bad_behaviour_has_its_ending(host: LiveHost, elsewhere: OddDesk, name: str) -> None:
    check(name, CASES[name], host, elsewhere)


@pytest.mark.parametrize("name", WITH_ACCOUNT)
def test_each_has_its_ending_with_an_account(host: LiveHost, elsewhere: OddDesk, name: str) -> None:
    account = Credentials(USER, PASSWORD)
    check(name, WITH_ACCOUNT[name], host, elsewhere, account=account)


def test_every_behaviour_of_the_desk_is_tested() -> None:
    assert CASES.keys() | WITH_ACCOUNT.keys() == BEHAVIOURS.keys()


@pytest.mark.parametrize(("heading", "cases"), [("As a guest", CASES), ("With an account", WITH_ACCOUNT)])
def test_the_table_for_people_is_the_one_that_is_tested(heading: str, cases: dict[str, Case]) -> None:
    text = TABLE.read_text(encoding="utf-8").partition(f"## {heading}")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z0-9-]+)` \| [^|]+ \| ([a-z]+) \| (\d) \| (\d) \|$", text, re.MULTILINE)
    assert {name: (kind, int(sent), int(filed)) for name, kind, sent, filed in rows} == {
        name: (case.kind, case.posts_count, case.tickets_count) for name, case in cases.items()
    }
    assert len(rows) == len(cases) == text.count("\n| `")


def test_a_form_under_other_names_gets_the_same_ticket(host: LiveHost) -> None:
    with OddDesk("renamed") as desk:
        ending(portal(host, desk), letter())
    (sent,) = desk.posts
    assert sent.fields[3:] == [
        ("f5[x]", "5"),
        ("f2[x]", "1"),
        ("f4[x]", letter().message.replace("\n", "\r\n")),
        ("f3[x]", letter().subject),
        ("f1[x]", letter().ip_address_or_hostname),
        ("f6[x]", "agent@iwx1.example.com"),
        ("f0[x]", "17"),
        ("f9", ""),
        ("do", "create"),
    ]
    assert sent.files == {"f7[x]": ("bundle.tar.gz", b"\x1f\x8b\x00x")}


def test_what_a_hostile_page_says_is_one_plain_line(host: LiveHost) -> None:
    with OddDesk("hostile-error") as desk:
        found = ending(portal(host, desk), letter())
    assert isinstance(found, Undelivered)
    assert found.why == ("the portal refused the form: ]0;owned [2Jno <script> {{ 7*7 }} Bcc: x@example.net")


def test_the_form_is_sent_as_a_browser_sends_it(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        ending(portal(host, desk), letter(message="a\nb\r\nc"))
        (post,) = desk.posts
    assert post.fields == [
        ("csrf", "t0k"),
        *HIDDEN.items(),
        ("category", "Support"),
        ("place", "192.0.2.7 (iwx1.example.com)"),
        ("assistance", "Yes"),
        ("subject", "NodeWorx is down on iwx1.example.com [IWX-7f3a]"),
        ("message", "a\r\nb\r\nc"),
        ("priority", "Urgent"),
        ("mail", "agent@iwx1.example.com"),
        ("do", "create"),
    ]
    assert post.files == {"file": ("bundle.tar.gz", b"\x1f\x8b\x00x")}
    assert post.headers["referer"] == desk.form
    assert post.headers["origin"] == desk.url
    assert post.headers["cookie"] == "csrf=t0k"


def test_a_form_in_another_charset_gets_that_charset(host: LiveHost) -> None:
    with OddDesk("other-charset") as desk:
        ending(portal(host, desk), letter(message="déjà vu: 5 € \u2603"))
    assert desk.tickets[0]["message"] == "déjà vu: 5 € &#9731;"


def test_what_was_accepted_is_found_by_its_key(host: LiveHost) -> None:
    with OddDesk("drop-after") as desk:
        transport = portal(host, desk, search_address=f"{desk.url}/search?q={{key}}")
        assert transport.look_up("IWX-7f3a", limit_s=5) == NotFound(
            said=f"{desk.url}/search says that there is none"
        )
        assert kind_of(ending(transport, letter())) == "uncertain"
        found = transport.look_up("IWX-7f3a", limit_s=5)
    where = f"{desk.url}/ticket?ticket=T-1"
    assert found == Receipt(
        transport="portal", reference="T-1", url=where, said=f"it stands on {desk.url}/search"
    )


def test_the_accounts_list_tells_what_it_has(host: LiveHost) -> None:
    with OddDesk("drop-after") as desk:
        account = Credentials(USER, PASSWORD)
        transport = portal(
            host, desk, account=account, login_address=f"{desk.url}/login", list_address=f"{desk.url}/list"
        )
        assert isinstance(transport.look_up("IWX-7f3a", limit_s=5), NotFound)
        ending(transport, letter())
        found = transport.look_up("IWX-7f3a", limit_s=5)
        assert isinstance(found, Receipt)
        assert found.reference == "T-1"
        assert isinstance(transport.look_up("IWX-7f3", limit_s=5), NotFound)  # a part of a key is another


@pytest.mark.parametrize("name", ["get-503", "get-hang", "get-drop", "get-endless"])
def test_what_cannot_be_looked_up_is_said(host: LiveHost, name: str) -> None:
    with OddDesk(name) as desk:
        started = time.monotonic()
        found = portal(host, desk, search_address=f"{desk.form}?q={{key}}").look_up("IWX-1", limit_s=1)
        assert time.monotonic() - started < 2
    assert isinstance(found, CannotLook)


def test_a_reply_stands_on_the_tickets_page(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        transport = portal(host, desk)
        filed = ending(transport, letter())
        assert isinstance(filed, Receipt)
        words = "The web server is down, too."
        update = letter(reference="T-1", page=filed.url, message=words, attachments=())
        found = ending(transport, update)
    assert found == Receipt(
        transport="portal", reference="T-1", url=filed.url, said="the reply stands on the ticket's page"
    )
    assert desk.replies == [words]
    assert len(desk.posts) == 1


def test_a_reply_goes_to_no_other_place(host: LiveHost, elsewhere: OddDesk) -> None:
    with OddDesk("good") as desk:
        update = letter(reference="T-1", page=f"{elsewhere.url}/ticket?ticket=T-1")
        found = ending(portal(host, desk), update)
    assert kind_of(found) == "person"
    assert elsewhere.requests == desk.requests == []


def test_a_wrong_password_is_refused_and_kept_out_of_the_page(host: LiveHost) -> None:
    secret = "not-a-real-secret-<9>"
    with OddDesk("get-login") as desk:
        account = Credentials("server1", secret)
        found = ending(portal(host, desk, account=account), letter())
        assert desk.logins_count == 1
    assert isinstance(found, Undelivered)
    assert (found.kind, found.why.partition(":")[0]) == ("permanent", "the login was refused")
    text = found.page.decode() + found.why + found.next_step
    assert "[hidden]" in text
    assert "not-a-real-secret" not in text
    assert "server1" not in text


def test_a_check_sends_nothing(host: LiveHost) -> None:
    from iwx_agent.transports.portal.checking import render

    with OddDesk("good") as desk:
        reading = portal(host, desk).check(limit_s=5)
        assert [one.method for one in desk.requests] == ["GET"]
    assert reading.understood
    assert [(row.asked, row.name) for row in reading.rows] == [
        ("Category", "category"),
        ("IP Address or Hostname", "place"),
        ("Remote Assistance Enabled?", "assistance"),
        ("Subject", "subject"),
        ("Message", "message"),
        ("Priority", "priority"),
        ("E-mail address", "mail"),
        ("Attachment", "file"),
    ]
    assert "The form is understood. Nothing was sent." in render(reading)


@pytest.mark.parametrize("name", ["unknown-required", "captcha", "script-fields", "action-elsewhere"])
def test_a_check_says_why_a_form_is_not_understood(host: LiveHost, elsewhere: OddDesk, name: str) -> None:
    with OddDesk(name, elsewhere=elsewhere.url.replace("127.0.0.1", "localhost")) as desk:
        reading = portal(host, desk).check(limit_s=5)
        assert desk.posts == []
    (first, *_) = CASES[name].said.partition(" (")
    assert any(first in problem for problem in reading.problems)
    assert not reading.understood


def test_a_check_says_which_answers_the_form_does_not_take(host: LiveHost) -> None:
    with OddDesk("good") as desk:
        desk.acts["GET /submit"] = lambda handler: handler.page(form_page().replace(">Urgent<", ">Soon<"))
        reading = portal(host, desk).check(limit_s=5)
    (problem,) = reading.problems
    assert problem.startswith("no option of Priority means 'Urgent'; there are: ")


@pytest.mark.parametrize(
    ("acts", "can_look", "words"),
    [
        ({}, True, "says that there is none"),
        ({"GET /search": status(503)}, False, "status 503"),
        ({"GET /search": said("Welcome")}, False, "says neither that there is such a ticket nor"),
        (
            {"GET /search": said("<a href='/ticket?ticket=T-9'>Search for IWX-no-such-ticket</a>")},
            False,
            "a ticket that cannot be there is found",
        ),
    ],
)
def test_a_check_says_whether_tickets_can_be_looked_up(
    host: LiveHost, acts: dict[str, Act], can_look: bool, words: str
) -> None:
    with OddDesk("good", acts=acts) as desk:
        reading = portal(host, desk, search_address=f"{desk.url}/search?q={{key}}").check(limit_s=5)
        assert {one.method for one in desk.requests} == {"GET"}
    assert (reading.can_look, reading.understood) == (can_look, True)
    assert words in reading.looking


def test_a_check_of_a_page_without_the_form_says_so(host: LiveHost) -> None:
    with OddDesk("script-only") as desk:
        reading = portal(host, desk).check(limit_s=5)
        assert desk.posts == []
    assert [row.label for row in reading.rows] == [""] * 6
    assert "only scripts" in reading.problems[0]
