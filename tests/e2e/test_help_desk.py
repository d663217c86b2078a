"""The lab's help desk is up in each of its variants; a ticket filed through its form is in its database."""

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from desk.desk import ACCOUNT, VARIANTS, Desk, DeskError, environment

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.timeout(180)]

ARCHIVE = b"\x1f\x8b not really an archive"
FORM = "/tickets/submit/"
# The page's names of: category, place, assistance, subject, message, priority, mail, file.
NAMES = {
    "guest": (
        *("queue", "custom_ip", "custom_remote_assistance", "title", "body", "priority"),
        *("submitter_email", "attachment"),
    ),
    "renamed": ("f_17", "f_21", "f_22", "ticket[headline]", "f_03", "urgency", "f_99", "upload[]"),
}
NAMES["login"] = NAMES["replies"] = NAMES["guest"]
QUEUES = {"guest": "1", "login": "1", "replies": "1", "renamed": "2"}
YES = {"guest": "Yes", "login": "Yes", "replies": "Yes", "renamed": "Yes, it is enabled"}


@pytest.fixture(scope="module")
def installed() -> None:
    try:
        environment()
    except DeskError as error:
        pytest.skip(f"no help desk: {error}")


@pytest.fixture(scope="module", params=VARIANTS)
def desk(request: pytest.FixtureRequest, installed: None) -> Iterator[Desk]:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    with Desk(f"e2e{worker}-{request.param}", request.param) as one:
        yield one


def token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found[1]


def get(session: requests.Session, url: str) -> requests.Response:
    return session.get(url, timeout=10, allow_redirects=False)


def log_in(session: requests.Session, desk: Desk, password: str = ACCOUNT[1]) -> requests.Response:
    page = get(session, f"{desk.url}/login/").text
    told = {"csrfmiddlewaretoken": token(page), "username": ACCOUNT[0], "password": password, "next": FORM}
    return session.post(f"{desk.url}/login/", told, timeout=10, allow_redirects=False)


@pytest.fixture
def session(desk: Desk) -> Iterator[requests.Session]:
    with requests.Session() as one:
        one.trust_env = False
        if desk.variant == "login":
            first = get(one, desk.url + FORM)
            assert (first.status_code, first.headers["Location"]) == (302, "/login/")
            assert log_in(one, desk, "wrong").status_code == 200
            done = log_in(one, desk)
            assert (done.status_code, done.headers["Location"]) == (302, FORM)
        yield one


def file(session: requests.Session, desk: Desk, *, name: str = "", **more: str) -> requests.Response:
    page = get(session, desk.url + FORM)
    assert page.status_code == 200
    values = [
        QUEUES[desk.variant],
        "192.0.2.7",
        YES[desk.variant],
        "down [IWX-1]",
        "päd\n<b>",
        "1",
        "a@example.com",
    ]
    told: dict[str, Any] = dict(zip(NAMES[desk.variant], values, strict=False)) | more
    told["csrfmiddlewaretoken"] = token(page.text)
    files = {NAMES[desk.variant][-1]: (name, ARCHIVE, "application/gzip")} if name else {"none": ("", b"")}
    return session.post(desk.url + FORM, told, files=files, timeout=10, allow_redirects=False)


def test_a_filed_ticket_stands_in_the_database(desk: Desk, session: requests.Session) -> None:
    name = "notes.txt" if desk.variant == "login" else "bundle.tar.gz"
    before = len(desk.tickets())
    done = file(session, desk, name=name)
    ticket = desk.tickets()[before]
    assert done.status_code == 302
    assert f"/view/?ticket={ticket['reference']}&" in done.headers["Location"]
    assert ticket["queue"] == ("Technical Support" if desk.variant == "renamed" else "Support")
    assert (ticket["subject"], ticket["priority"]) == ("down [IWX-1]", 1)
    assert ticket["message"].replace("\r\n", "\n") == "päd\n<b>"
    assert "192.0.2.7" in ticket["custom"].values()
    assert YES[desk.variant] in ticket["custom"].values()
    assert [(one["name"], one["sha256"]) for one in ticket["attachments"]] == [
        (name, hashlib.sha256(ARCHIVE).hexdigest())
    ]
    shown = get(session, desk.url + done.headers["Location"])
    assert "down [IWX-1]" in shown.text


def test_a_missing_answer_gives_the_form_again_and_no_ticket(desk: Desk, session: requests.Session) -> None:
    before = desk.tickets()
    done = file(session, desk, **{NAMES[desk.variant][2]: ""})
    assert (done.status_code, "This field is required." in done.text) == (200, True)
    assert desk.tickets() == before


def test_an_archive_is_taken_by_the_variants_that_are_set_so(desk: Desk, session: requests.Session) -> None:
    for name in ("bundle.zip", "bundle.tar.gz"):
        done = file(session, desk, name=name)
        assert done.status_code == (200 if desk.variant == "login" else 302)


def test_the_captured_pages_are_those_of_this_desk(desk: Desk, session: requests.Session) -> None:
    page = get(session, desk.url + FORM).text
    name = {"replies": "guest"}.get(desk.variant, desk.variant)
    kept = Path(__file__).parents[1] / "transports" / "pages" / f"helpdesk-{name}.html"
    assert without_token(page) == without_token(kept.read_text(encoding="utf-8"))


def without_token(page: str) -> str:
    return re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", page)


def test_it_ends_cleanly_and_says_so(installed: None) -> None:
    one = Desk(f"short-{os.getpid()}")
    with one:
        pid = int((one.place / "pid").read_text())
        assert requests.get(f"{one.url}{FORM}", timeout=10).status_code == 200
    assert not one.place.exists()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(DeskError, match="no help desk is up"):
        one.tickets()
    with pytest.raises(DeskError, match="no help desk is up"):
        _ = one.url
    one.down()


def test_it_does_not_end_a_process_that_has_got_its_number() -> None:
    one = Desk(f"stale-{os.getpid()}")
    one.place.mkdir(parents=True)
    (one.place / "pid").write_text(str(os.getpid()))
    one.down()
    assert not one.place.exists()


def test_an_unknown_variant_is_refused() -> None:
    with pytest.raises(DeskError, match="guest, login, renamed"):
        Desk("x", "gest")
