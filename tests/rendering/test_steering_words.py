"""The outbox, the open ticket, what is ignored and what auto decided, in words; hostile text does nothing."""

from datetime import timedelta
from typing import Any

import pytest
from hostile import HOSTILE
from msgspec.structs import replace
from remembered import EPISODE, NOW, RULE

from iwx_agent.model import IncidentState, Scope, Severity
from iwx_agent.model.steering import (
    AttachedFile,
    OutboxAttempt,
    OutboxLetter,
    OutboxLine,
    OutboxList,
    OutboxText,
    Silenced,
    ToldDecision,
    Watch,
    WatchedIncident,
)
from iwx_agent.rendering import outbox_text, watch, words
from iwx_agent.report import steering_json

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
AGO = NOW - 12 * MINUTE
LETTER = OutboxLetter(
    category="Support",
    ip_address_or_hostname="iwx1.example.com",
    assistance="Yes",
    subject="[iwx-1] Mail is down",
    priority="Urgent",
    message="qmail-send is down.\n\n  since 15:00 UTC\n",
)


def line(key: str = "iwx-1", state: str = "queued", **more: Any) -> OutboxLine:
    values: dict[str, Any] = {"ended": False, "created_at": AGO, "due_at": NOW, "transport": "portal"}
    return OutboxLine(key=key, state=state, **(values | more))


def text(**more: Any) -> OutboxText:
    values: dict[str, Any] = {
        "at": NOW,
        "line": line(),
        "chain": ("portal", "email", "file"),
        "letter": LETTER,
    }
    return OutboxText(**(values | more))


# The list


def test_an_empty_outbox() -> None:
    nothing = "Nothing waits to be sent, and nothing has failed.\n"
    assert outbox_text.listed(OutboxList(at=NOW, texts=())) == nothing
    assert outbox_text.listed(OutboxList(at=NOW, texts=(), hidden_count=1)) == (
        f"{nothing}1 text was sent or dropped: iwx-agent outbox list --all\n"
    )


def test_each_state_says_what_is_next() -> None:
    lines = (
        line("iwx-1", due_at=NOW + 4 * MINUTE, said="503 Service Unavailable"),
        line("iwx-22", created_at=None),
        line("iwx-3", "draft", due_at=None, created_at=NOW + DAY),
        line("iwx-4", "sending", due_at=None),
        line("iwx-5", "uncertain", due_at=None),
        line("iwx-6", "uncertain", due_at=NOW + DAY),
        line("iwx-7", "failed", ended=True, due_at=None, transport="file"),
        line("iwx-8", "sent", ended=True, due_at=None, said="ticket 7"),
        line("iwx-9", "damaged", created_at=None, due_at=None, transport="", said="cut"),
    )
    assert outbox_text.listed(OutboxList(at=NOW, texts=lines, hidden_count=2)) == (
        "text    state      age     next                  by      last said\n"
        "iwx-1   queued     12 min  in 4 min              portal  503 Service Unavailable\n"
        "iwx-22  queued     ?       at the next run       portal\n"
        "iwx-3   draft      ?       you send or drop it   portal\n"
        "iwx-4   sending    12 min  at the next run       portal\n"
        "iwx-5   uncertain  12 min  you look for it       portal\n"
        "iwx-6   uncertain  12 min  in 1 d                portal\n"
        "iwx-7   failed     12 min  you retry or drop it  file\n"
        "iwx-8   sent       12 min  -                     portal  ticket 7\n"
        "iwx-9   damaged    ?       you drop it           -       cut\n"
        "2 texts were sent or dropped: iwx-agent outbox list --all\n"
    )


# One text


def test_one_text_in_full() -> None:
    attempts = (
        OutboxAttempt(at=NOW - 5 * MINUTE, transport="portal", ending="permanent", said="403 Forbidden"),
        OutboxAttempt(at=NOW, transport="email", ending="later", said="451 try again"),
    )
    letter = replace(
        LETTER,
        sender_name="Admin",
        sender_mail="admin@example.com",
        reference="7",
        attachments=(
            AttachedFile(name="b.tar.gz", media_type="application/gzip", size_bytes=3, sha256="ba78"),
        ),
    )
    shown = text(line=line(transport="email", due_at=NOW + MINUTE), attempts=attempts, letter=letter)
    assert outbox_text.shown(shown) == (
        "iwx-1: waits to be sent\n"
        "  written  2026-11-23 14:48 UTC, age 12 min\n"
        "  next     in 1 min\n"
        "  by       email now; in order: portal, then email, then file\n"
        "  2 attempts, the last one at the end:\n"
        "    2026-11-23 14:55 UTC  portal  permanent  403 Forbidden\n"
        "    2026-11-23 15:00 UTC  email   later      451 try again\n"
        "\n"
        "Update to:                   7\n"
        "From:                        Admin <admin@example.com>\n"
        "Category:                    Support\n"
        "IP Address or Hostname:      iwx1.example.com\n"
        "Remote Assistance Enabled?:  Yes\n"
        "Subject:                     [iwx-1] Mail is down\n"
        "Priority:                    Urgent\n"
        "Attached: b.tar.gz (application/gzip, 3 bytes, SHA-256 ba78)\n"
        "Message:\n"
        "\n"
        "qmail-send is down.\n"
        "\n"
        "  since 15:00 UTC\n"
    )


def test_one_text_that_was_sent_with_its_reference() -> None:
    sent = line(
        state="sent", ended=True, due_at=None, repeated=True, reference="7", url="https://x.invalid/7"
    )
    told = outbox_text.shown(text(line=sent))
    assert told.startswith("iwx-1: was accepted\n")
    assert "  repeated   sent once more without knowing of the first time, and marked so\n" in told
    assert "  reference  7 https://x.invalid/7\n" in told
    assert "  nothing has been tried yet\n" in told
    only_mail = text(letter=replace(LETTER, sender_mail="a@example.com"))
    assert "From:                        <a@example.com>\n" in outbox_text.shown(only_mail)


def test_one_text_that_is_damaged() -> None:
    damaged = line(state="damaged", created_at=None, due_at=None, transport="", said="it is cut")
    told = outbox_text.shown(text(line=damaged, chain=(), letter=None, unread="its text is cut"))
    assert told == (
        "iwx-1: cannot be read any more\n"
        "  why   it is cut\n"
        "  next  you drop it\n"
        "  attempts are not known\n"
        "\n"
        "its text is cut\n"
    )


# What a person has done


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (text(), "iwx-1 will be sent by portal (if that refuses it: email, then file), at the next run.\n"),
        (text(line=line(transport="file")), "iwx-1 will be sent by file, at the next run.\n"),
        (
            text(line=line(transport="file", due_at=NOW + 61 * MINUTE)),
            "iwx-1 will be sent by file, in 1 h.\nIt has had all the attempts of a day.\n",
        ),
        (
            text(line=line(state="uncertain")),
            (
                "iwx-1 may have been accepted: portal looks for it at the next run.\n"
                "It is sent again when it is surely not there, or once, marked, when nobody can look.\n"
            ),
        ),
        (
            text(line=line(state="uncertain", repeated=True)),
            (
                "iwx-1 may have been accepted: portal looks for it at the next run.\n"
                "It is sent again when it is surely not there.\n"
            ),
        ),
    ],
)
def test_tried_again_it_is_said_by_what_and_when(shown: OutboxText, told: str) -> None:
    assert outbox_text.retried(shown) == told


def test_dropped_it_is_said_why() -> None:
    dropped = text(line=line(state="dropped", said="mended by hand"))
    assert outbox_text.dropped(dropped) == "iwx-1 was dropped and will not be sent: mended by hand\n"


# What auto goes by


def seen(**more: Any) -> WatchedIncident:
    values: dict[str, Any] = {
        "fingerprint": "0123456789abcdef",
        "code": "MAIL-010",
        "subject": "queue",
        "title": "The queue does not move",
        "severity": Severity.EMERGENCY,
        "state": IncidentState.CONFIRMED,
        "scope": Scope.VENDOR,
    }
    return WatchedIncident(**(values | more))


def test_before_anything() -> None:
    assert watch.watched(Watch(at=NOW, unread="nothing has been kept yet")) == (
        "No ticket has been filed by auto yet.\n"
        "\n"
        "What is wrong now is not known: nothing has been kept yet. Look: iwx-agent diagnose\n"
        "\n"
        "Nothing is ignored.\n"
    )


def test_an_open_ticket_incidents_and_rules() -> None:
    told = (*EPISODE.told, replace(EPISODE.told[0], title="php is gone", severity=Severity.ERROR))
    episode = replace(EPISODE, told=told, began_at=AGO, delivered=True, updates_count=2, good_runs_count=1)
    rule = replace(RULE, unless_worse=True, severity=Severity.ERROR)
    over = replace(RULE, fingerprint="g", until=NOW)
    passing = seen(fingerprint="f", title="x", state=IncidentState.PASSING, rule=rule)
    watched = Watch(
        at=NOW + MINUTE, episode=episode, run="20261123T150000Z-ab12", run_at=NOW, incidents=(seen(), passing)
    )
    assert watch.watched(replace(watched, rules=(rule, over))) == (
        "Open ticket iwx-1: delivered\n"
        "  since         2026-11-23 14:48 UTC, 13 min ago\n"
        "  filed         2026-11-23 15:00 UTC, 1 min ago\n"
        "  priority      Urgent\n"
        "  last bad      2026-11-23 15:00 UTC, 1 min ago\n"
        "  updates       2; the last text 2026-11-23 15:00 UTC, 1 min ago\n"
        "  getting over  1 good run in a row\n"
        "  tells         EMERGENCY: Mail is down\n"
        "                error: php is gone\n"
        "\n"
        "Found in the run of 2026-11-23 15:00 UTC, 1 min ago (20261123T150000Z-ab12):\n"
        "fingerprint       now        incident\n"
        "0123456789abcdef  EMERGENCY  The queue does not move (MAIL-010, queue)\n"
        "f                 passing    x (MAIL-010, queue); ignored until 2026-11-24 15:00 UTC\n"
        "To have auto be silent about one: iwx-agent ignore FINGERPRINT --until 2d --reason TEXT\n"
        "\n"
        "Ignored by auto:\n"
        "fingerprint  until                 left  unless worse than  reason\n"
        "f            2026-11-24 15:00 UTC  23 h  error              we know\n"
        "g            2026-11-23 15:00 UTC  over  -                  we know\n"
    )


def test_a_ticket_that_waits_came_back_and_tells_very_much() -> None:
    episode = replace(EPISODE, returns_count=2, told=EPISODE.told * 22)
    told = watch.watched(Watch(at=NOW, episode=episode))
    assert told.startswith("Open ticket iwx-1: its first text has not been delivered yet\n")
    assert "  came back     2 times\n" in told
    assert told.count("EMERGENCY: Mail is down") == 20
    assert "                and 2 more\n" in told


def test_a_ticket_that_is_over_and_a_good_run() -> None:
    told = watch.watched(Watch(at=NOW, episode=replace(EPISODE, over_at=AGO), run="r", run_at=NOW))
    assert told.startswith(
        "No open ticket. The last one, iwx-1, was over at 2026-11-23 14:48 UTC, 12 min ago.\n"
    )
    assert "Nothing was wrong in the run of 2026-11-23 15:00 UTC, 0 s ago (r).\n" in told


# Ignored


def test_ignored_it_says_that_only_auto_is_silent() -> None:
    made = Silenced(rule=RULE, title="Mail is down", code="MAIL-010", subject="queue")
    assert watch.silenced(made) == (
        "Ignored until 2026-11-24 15:00 UTC: Mail is down (MAIL-010, queue), f\n"
        "Only auto is silent about it: diagnose, ticket and reports go on showing it.\n"
        "To end it before: iwx-agent ignore f --end\n"
    )
    assert watch.heeded(Silenced(rule=RULE)) == "Not ignored any more: f (it was because: we know)\n"


@pytest.mark.parametrize(("severity", "lines_count"), [(Severity.ERROR, 3), (Severity.EMERGENCY, 4)])
def test_what_cannot_get_worse_is_said(severity: Severity, lines_count: int) -> None:
    told = watch.silenced(Silenced(rule=replace(RULE, unless_worse=True, severity=severity)))
    assert f", unless it is worse than {words.graded(severity)}: f\n" in told
    assert len(told.splitlines()) == lines_count
    assert ("It cannot get worse than that" in told) is (lines_count == 4)


def test_the_rules_alone() -> None:
    assert watch.rules((), NOW) == "Nothing is ignored.\n"
    assert watch.rules((RULE,), NOW).splitlines()[1:] == [
        "fingerprint  until                 left  unless worse than  reason",
        "f            2026-11-24 15:00 UTC  1 d   -                  we know",
    ]


# Decided


def test_decisions_with_and_without_their_row() -> None:
    whole = ToldDecision(at=NOW, key="iwx-1", action="hold", row="pause", said="Mail is down: later. " * 6)
    bare = ToldDecision(at=AGO, key="", action="", row="", said="odd")
    assert watch.decided((whole, bare), "What auto did") == (
        "What auto did\n"
        "2026-11-23 15:00 UTC  hold  row: pause  iwx-1\n"
        "    Mail is down: later. Mail is down: later. Mail is down: later. Mail is down:\n"
        "    later. Mail is down: later. Mail is down: later.\n"
        "2026-11-23 14:48 UTC\n"
        "    odd\n"
    )
    assert watch.decided((bare,)) == "2026-11-23 14:48 UTC\n    odd\n"


# Hostile text


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_text_does_nothing(bad: str) -> None:
    hostile = line(bad, "queued", transport=bad, said=bad, reference=bad, url=bad)
    attempt = OutboxAttempt(at=NOW, transport=bad, ending=bad, said=bad)
    attached = AttachedFile(name=bad, media_type=bad, size_bytes=1, sha256="x")
    letter = OutboxLetter(
        category=bad,
        ip_address_or_hostname=bad,
        assistance=bad,
        subject=bad,
        priority=bad,
        message=bad[:1000],
        sender_name=bad,
        sender_mail=bad,
        reference=bad,
        attachments=(attached,),
    )
    rule = replace(RULE, reason=bad, fingerprint=bad)
    told = replace(EPISODE.told[0], title=bad)
    whole = text(line=hostile, chain=(bad, bad), attempts=(attempt,), letter=letter)
    watched = Watch(
        at=NOW,
        episode=replace(EPISODE, key=bad, told=(told,)),
        run=bad,
        run_at=NOW,
        incidents=(seen(fingerprint=bad, title=bad, code=bad, subject=bad, rule=rule),),
        rules=(rule,),
    )
    made = Silenced(rule=rule, title=bad, code=bad, subject=bad)
    outputs = (
        outbox_text.listed(OutboxList(at=NOW, texts=(hostile,))),
        outbox_text.retried(whole),
        outbox_text.dropped(whole),
        watch.watched(watched),
        watch.silenced(made),
        watch.heeded(made),
        watch.decided((ToldDecision(at=NOW, key=bad, action=bad, row=bad, said=bad),)),
        outbox_text.shown(whole),
    )
    for told_text in outputs:
        assert words.harmless(told_text, len(told_text)) == told_text
        assert len(told_text) < 20_000
    for told_text in outputs[:-1]:  # a message has lines of its own
        assert "\nPriority: " not in told_text
    for data in (whole, watched, OutboxList(at=NOW, texts=(hostile,)), (rule,)):
        steering_json(data).decode()


def test_unknown_states_and_spans() -> None:
    assert outbox_text.shown(text(line=line(state="odd"))).startswith("iwx-1: odd\n")
    assert [words.span(s) for s in (0, 59.9, 60, 3599, 3600, 86399, 86400)] == [
        "0 s",
        "59 s",
        "1 min",
        "59 min",
        "1 h",
        "23 h",
        "1 d",
    ]
