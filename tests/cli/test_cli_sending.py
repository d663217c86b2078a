"""``submit`` and ``auto``: what is shown, asked, sent and refused, and each exit code."""

import io
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TextIO

import pytest
from building import AT
from emergencies import MAIL, seen
from places import SETTINGS, Desk, Place, Run, Terminal
from steering import entry, lines_of, put

from iwx_agent.cli.progress import Progress
from iwx_agent.model import AssistanceReport, Licence, Priority, Report, Verdict
from iwx_agent.redact import CanaryError
from iwx_agent.redact.canaries import CanaryHit
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state import StateError
from iwx_agent.state.store import DiskStore
from iwx_agent.transports.contract import Letter, Receipt, Undelivered

KEY = key_of(seen(MAIL))
SOON = "auto is on, and files this at its next run: do not paste it too"
# submit


def test_it_is_sent_and_its_number_is_told(place: Place, iwx: Run) -> None:
    code, out, err = iwx("submit", "--yes", "--note", "restarted it")
    assert (code, err) == (0, "")
    assert out == (
        f"A new ticket: Mail is down (MAIL-001): a new ticket, {KEY}\n"
        f"  {KEY}: accepted by webhook as 4711 https://desk.example.com/4711\n"
    )
    (letter,) = place.desk.received
    assert (letter.key, letter.priority, letter.attachments) == (KEY, "Urgent", ())
    assert place.files.received == []
    assert place.asked[0].background
    assert place.asked[0].note == "restarted it"
    again = iwx("submit", "--yes")
    assert again[0] == 0
    assert f"Nothing to send: Mail is down (MAIL-001): {KEY} tells it\n" in again[1]
    assert "accepted by webhook as 4711" in again[1]
    assert len(place.desk.received) == 1
    assert [(line["action"], line["phase"]) for line in lines_of(place.log)] == [
        ("send", "intent"),
        ("send", "outcome"),
    ]


def test_what_was_not_taken_with_it_is_told(place: Place, iwx: Run) -> None:
    place.desk.says = "status 302 to the ticket's page; sent without its attachments: \x1b[2J.gz is refused"
    code, out, _ = iwx("submit", "--yes")
    assert code == 0
    assert out.splitlines()[1:] == [
        f"  {KEY}: accepted by webhook as 4711 https://desk.example.com/4711",
        "    status 302 to the ticket's page; sent without its attachments: \\x1b[2J.gz is refused",
    ]


def test_who_is_about_to_paste_a_ticket_is_told_of_the_one_that_there_is(place: Place, iwx: Run) -> None:
    instead = "Send it now, with what you have to say: iwx-agent submit"
    assert f"iwx-agent: {SOON}\n{instead}\n" in iwx("ticket")[2]
    iwx("submit", "--yes")
    desk = "https://desk.example.com/4711"
    there = f"iwx-agent: ticket {KEY} (4711) at {desk} is about this: do not file another\n"
    for shown in (("ticket",), ("ticket", "--format", "json"), ("diagnose",)):
        _, out, err = iwx(*shown)
        assert there in err
        assert "do not file" not in out
    assert iwx("diagnose", "--format", "json")[2] == ""
    place.report = seen()
    assert iwx("ticket")[2] == ""


def test_a_store_that_cannot_be_read_stops_no_ticket(place: Place, iwx: Run, kept: Path) -> None:
    kept.mkdir(mode=0o700, exist_ok=True)
    with closing(sqlite3.connect(kept / "state.db")) as other:
        other.execute("CREATE TABLE somebody_else_s (x)")
    code, out, err = iwx("ticket")
    assert code == 3
    assert f"[{KEY}]" in out
    assert "this run was not saved" in err
    assert SOON not in err


def test_a_person_is_shown_the_ticket_and_asked(
    place: Place, iwx: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer, code in (("n\n", 1), ("\n", 1), ("", 1), ("y\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        found = iwx("submit")
        assert (found[0], "Send it? [y/N]" in found[2]) == (code, True)
        assert f"[URGENT] Mail is down on iwx1.example.com [{KEY}]" in found[2]
        assert ("Nothing was sent." in found[2]) == (code == 1)
    assert len(place.desk.received) == 1


def test_nobody_is_asked_where_nobody_can_answer(
    place: Place, iwx: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for stdin in (io.StringIO("y\n"), None):
        monkeypatch.setattr("sys.stdin", stdin)
        code, _, err = iwx("submit")
        assert code == 2
        assert "nobody to ask here: say --yes to send it, or --dry-run to look" in err
    assert place.desk.received == []


def test_a_dry_run_and_the_bytes_send_and_keep_nothing(place: Place, iwx: Run, kept: Path) -> None:
    code, out, err = iwx("submit", "--dry-run")
    assert (code, f"Subject: [URGENT] Mail is down on iwx1.example.com [{KEY}]" in err) == (0, True)
    assert "By: webhook." in err
    assert out.startswith("A new ticket: ")
    code, out, err = iwx("submit", "--show-outgoing")
    assert (code, json.loads(out)["key"]) == (0, KEY)
    assert f"{len(out)} bytes by webhook, sha256 " in err
    assert place.desk.received == []
    assert DiskStore().texts(9) == ()


def test_progress_is_shown_while_it_is_sent(place: Place, iwx: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    class Shown(Progress):
        def __init__(self, stream: TextIO, doing: str = "asking the server") -> None:
            super().__init__(stream, doing)
            shown.append(doing)

    monkeypatch.setattr("iwx_agent.cli.progress.Progress", Shown)
    iwx("submit", "--yes")
    iwx("submit", "--check")
    iwx("doctor", "--offline")
    of_doctor = "asking the server and the ways to send"
    assert shown == ["asking the server", "sending", "asking the portal", of_doctor]


def test_what_was_not_accepted_is_said_with_the_copy_to_paste(place: Place, iwx: Run) -> None:
    place.desk.error = Undelivered("later", "webhook", "503 Service Unavailable")
    code, out, _ = iwx("submit", "--yes")
    assert code == 5
    assert f"  {KEY}: not accepted yet, tried again from " in out
    assert "503 Service Unavailable" in out
    assert f"    To paste it by hand: file:///tickets/{KEY}/ticket.txt\n" in out
    assert [letter.key for letter in place.files.received] == [KEY]


def test_a_note_that_cannot_be_sent_yet_is_said_to_be_lost(place: Place, iwx: Run) -> None:
    place.desk.error = Undelivered("later", "webhook", "503 Service Unavailable")
    iwx("submit", "--yes")
    code, out, err = iwx("submit", "--yes", "--note", "it began at noon")
    assert code == 5
    assert f"{KEY} tells it" in out
    assert "what you had to say was not sent, since nothing is; say it again when that has changed" in err


def test_what_nobody_takes_has_failed_and_says_how_it_goes_on(place: Place, iwx: Run) -> None:
    place.desk.error = Undelivered("person", "webhook", "a captcha", page=b"<html>captcha</html>")
    code, out, _ = iwx("submit", "--yes")
    assert code == 5
    assert f"  {KEY}: nobody accepted it. a captcha\n" in out
    assert f"iwx-agent outbox retry {KEY}\n" in out
    ((page,),) = [letter.attachments for letter in place.files.received]
    assert (page.name, page.data) == ("page-of-webhook.html", b"<html>captcha</html>")


class Picky(Desk):
    """Refuses what ``refuses`` says; takes the rest."""

    refuses: Callable[[Letter], bool]

    def deliver(self, letter: Letter, *, limit_s: float) -> Receipt:
        if self.refuses(letter):
            raise Undelivered("permanent", "webhook", "403")
        return super().deliver(letter, limit_s=limit_s)


def test_that_an_old_text_fails_is_said_and_no_fault_of_the_ticket_that_was_accepted(
    place: Place, iwx: Run, desk: Picky
) -> None:
    put(DiskStore(), entry("iwx-old", chain=("webhook",)))
    desk.refuses = lambda letter: letter.key == "iwx-old"
    code, out, _ = iwx("submit", "--yes")
    assert code == 0
    assert "  iwx-old: nobody accepted it. 403\n" in out
    assert f"  {KEY}: accepted by webhook as 4711" in out


def test_the_ticket_that_failed_counts_though_an_old_text_was_accepted(
    place: Place, iwx: Run, desk: Picky
) -> None:
    put(DiskStore(), entry("iwx-old", chain=("webhook",)))
    desk.refuses = lambda letter: letter.key == KEY
    code, out, _ = iwx("submit", "--yes")
    assert code == 5
    assert "  iwx-old: accepted by webhook as 4711" in out


@pytest.mark.parametrize(("refused", "code"), [("", 0), ("iwx-old", 0), (KEY, 5)])
def test_of_an_update_its_own_text_counts(
    place: Place, iwx: Run, desk: Picky, refused: str, code: int
) -> None:
    assert iwx("submit", "--yes")[0] == 0
    put(DiskStore(), entry("iwx-old", chain=("webhook",)))
    desk.refuses = lambda letter: letter.key == refused
    place.report = seen(MAIL, note="more")
    found, out, _ = iwx("submit", "--yes", "--format", "json")
    told = json.loads(out)
    assert (found, told["action"], told["key"]) == (code, "update", f"{KEY}-2")
    assert [text["key"] for text in told["texts"]] == ["iwx-old", f"{KEY}-2"]


def test_a_ticket_for_which_no_time_was_left_is_not_called_accepted(
    place: Place, iwx: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iwx_agent.app.auto.SEND_S", 1.0)
    code, _, err = iwx("submit", "--yes")
    assert code == 5
    assert f"iwx-agent: {KEY} was not tried: iwx-agent outbox show {KEY}\n" in err
    assert place.desk.received == []


@pytest.fixture
def desk(place: Place, monkeypatch: pytest.MonkeyPatch) -> Picky:
    place.desk = made = Picky()
    made.refuses = lambda letter: False
    both = {"webhook": made, "file": place.files}
    monkeypatch.setattr("iwx_agent.app.transports.transports_of", lambda *told, **more: both)
    return made


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (seen(MAIL, remote_assistance=AssistanceReport(state="off")), "Remote Assistance is off"),
        (seen(), "nothing was found"),
        (
            seen(
                MAIL,
                verdict=Verdict(
                    priority=Priority.URGENT, emergency=True, reasons=(), licence=Licence.RESELLER
                ),
            ),
            "the licence is not from InterWorx directly",
        ),
    ],
)
def test_it_refuses_and_says_what_to_do(place: Place, iwx: Run, found: Report, said: str) -> None:
    place.report = found
    code, out, err = iwx("submit", "--yes")
    assert (code, out) == (2, "")
    assert said in err
    assert err.endswith("Nothing was sent.\n")
    assert place.desk.received == []


def test_who_has_seen_that_remote_assistance_is_on_may_say_so(place: Place, iwx: Run) -> None:
    place.report = seen(MAIL, remote_assistance=AssistanceReport(state="unknown"))
    assert iwx("submit", "--yes", "--remote-assistance-confirmed")[0] == 0


def test_what_a_person_has_seen_answers_the_form(place: Place, iwx: Run) -> None:
    place.report = seen(MAIL, remote_assistance=AssistanceReport(state="unknown", reason="no answer"))
    iwx("submit", "--yes", "--remote-assistance-confirmed")
    (letter,) = place.desk.received
    assert letter.assistance == "Yes"
    assert "as whoever sends this has seen; the agent could not tell: no answer" in letter.message


def test_nothing_leaves_while_the_file_is_there(place: Place, iwx: Run, tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    code, out, err = iwx("submit", "--yes")
    assert (code, out) == (2, "")
    assert f"nothing leaves this server: {tmp_path}/stop is there; remove it to go on" in err
    assert place.desk.received == []
    assert iwx("submit", "--dry-run")[0] == 0


def test_an_update_is_shown_as_the_way_of_its_ticket_would_send_it(place: Place, iwx: Run) -> None:
    iwx("submit", "--yes")
    code, out, err = iwx("submit", "--show-outgoing")
    assert (code, err) == (0, "")
    assert out.startswith("Nothing to send: ")
    place.report = seen(MAIL, note="more")
    code, out, err = iwx("submit", "--show-outgoing")
    told = json.loads(out)
    assert (code, told["kind"], told["reference"]) == (0, "update", "4711")
    assert " bytes by webhook, sha256 " in err


def test_another_process_that_sends_is_no_fault_of_the_watcher(
    place: Place, iwx: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*told: object) -> None:
        raise StateError("another iwx-agent has been sending for more than 10 s", "busy")

    monkeypatch.setattr("iwx_agent.app.steering.take_turn", busy)
    code, out, _ = iwx("auto", "run")
    assert (code, out) == (3, "Held: another iwx-agent has been sending for more than 10 s\n")
    assert place.desk.received == []


def test_a_ticket_goes_without_a_bundle_that_may_not_leave(
    place: Place, iwx: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hit(*told: object, **more: object) -> None:
        raise CanaryError(CanaryHit("/etc/x.key", "as it is"))

    monkeypatch.setattr("iwx_agent.app.attaching.bundle_of", hit)
    code, _, err = iwx("auto", "run", "--quiet")
    assert (code, [letter.attachments for letter in place.desk.received]) == (3, [()])
    assert "no bundle goes with the ticket: a secret of /etc/x.key would have been in it" in err


def test_a_further_ticket_says_why(place: Place, iwx: Run) -> None:
    iwx("submit", "--yes")
    assert iwx("submit", "--yes", "--new-anyway")[0] == 2
    assert iwx("submit", "--yes", "--new-anyway", "--reason", "closed by mistake")[0] == 0
    assert place.asked[-1].note == "A further ticket about the same, because: closed by mistake"
    assert place.asked[-1].override is None
    assert [letter.key for letter in place.desk.received] == [KEY, key_of(seen(MAIL), number=2)]


def test_the_bundle_goes_with_it_when_it_is_wanted(
    place: Place, iwx: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iwx_agent.app.attaching.bundle_attached", lambda run, say: ())
    assert iwx("submit", "--yes", "--attach", "capture")[0] == 2
    assert iwx("submit", "--yes", "--attach", "bundle", "--format", "json")[0] == 0


def test_json_says_what_became_of_it(place: Place, iwx: Run) -> None:
    told = json.loads(iwx("submit", "--yes", "--format", "json")[1])
    assert (told["action"], told["texts"][0]["state"], told["texts"][0]["reference"]) == (
        "file",
        "sent",
        "4711",
    )


# auto run


def test_auto_files_once_and_is_quiet_when_there_is_nothing_to_say(place: Place, iwx: Run) -> None:
    code, out, err = iwx("auto", "run", "--quiet")
    assert (code, err) == (3, "")
    assert out.startswith(f"A new ticket: Mail is down (MAIL-001): a new ticket, {KEY}\n")
    assert len(place.desk.received) == 1
    assert [one.media_type for one in place.desk.received[0].attachments] == ["application/gzip"]
    assert iwx("auto", "run", "--quiet") == (3, "", "")
    assert iwx("auto", "run") == (3, f"Nothing to send: Mail is down (MAIL-001): {KEY} tells it\n", "")
    assert place.asked[0].background is False
    assert place.asked[1].background  # the end of the open ticket may be near
    assert len(place.desk.received) == 1


def test_a_healthy_run_notes_its_decision_and_nothing_else(place: Place, iwx: Run) -> None:
    place.report = seen()
    assert iwx("auto", "run") == (0, "Nothing to send: no emergency\n", "")
    (event,) = DiskStore().events("decision", 9)
    assert event.said == "nothing: nothing\nno emergency"


def test_what_waits_is_sent_though_auto_is_off(place: Place, iwx: Run) -> None:
    place.desk.error = Undelivered("later", "webhook", "503", retry_after_s=0.0)
    iwx("submit", "--yes")
    (place.etc / "config.toml").write_text(SETTINGS.replace("enabled = true", "enabled = false"))
    place.desk.error = None
    assert iwx("outbox", "retry", KEY)[0] == 0
    code, out, _ = iwx("auto", "run")
    assert code == 3
    assert out.startswith("Nothing to send: stopped: auto is off; iwx-agent auto enable turns it on\n")
    assert f"  {KEY}: accepted by webhook as 4711" in out


def test_the_file_stops_everything(place: Place, iwx: Run, tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    code, out, _ = iwx("auto", "run")
    assert (code, out) == (3, f"Nothing to send: stopped: {tmp_path}/stop is there; remove it to go on\n")
    assert place.desk.received == []


def test_what_was_not_accepted_ends_with_its_own_code(place: Place, iwx: Run) -> None:
    place.desk.error = Undelivered("uncertain", "webhook", "the line was lost")
    code, out, _ = iwx("auto", "run", "--quiet")
    assert code == 5
    assert (
        f"  {KEY}: webhook may have accepted it; looked for before it is sent again. the line was lost" in out
    )


def test_auto_says_what_came_of_it_in_json(place: Place, iwx: Run) -> None:
    told = json.loads(iwx("auto", "run", "--format", "json")[1])
    assert (told["action"], told["row"], told["key"]) == ("file", "first time", KEY)
    assert told["at"] == AT.strftime("%Y-%m-%dT%H:%M:%SZ")
