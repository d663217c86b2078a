"""Signs in text: every shipped signature finds its example and nothing else; everything is bounded."""

import doctest
from pathlib import Path
from typing import Any

import pytest
from fakes import signatures
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from iwx_agent.model import LogLine
from iwx_agent.model.signatures import SIGN_CODES, Sign, Signature, Signatures, SourceGroup, SourceName
from iwx_agent.parsers import signs
from iwx_agent.parsers.page import page_text, page_title
from iwx_agent.parsers.signs import LINE_CHARACTERS, TEXT_CHARACTERS, fault_of, find_signs, sign_at

SHIPPED = signatures()
CAPTURES = Path(__file__).parent / "captures" / "web"
every_entry = pytest.mark.parametrize("entry", SHIPPED.entries, ids=lambda entry: entry.id)

ENTRY = Signature(
    id="a",
    sources=("panel_log",),
    pattern=r"\bmaintenance on\b",
    code="PANEL-070",
    confidence="inferred",
    known_from="a test",
)
END = structs.replace(ENTRY, id="b", pattern=r"\bmaintenance off\b", ends=True)


def lines(*texts: str, source: str = "iworx.log") -> tuple[LogLine, ...]:
    return tuple(LogLine(text=text, source=source, at=float(at)) for at, text in enumerate(texts))


def found(*texts: str, source: SourceName = "panel_log", known: Signatures | None = None) -> tuple[Sign, ...]:
    return find_signs(source, lines(*texts), known or Signatures(entries=(ENTRY, END)), None)


def test_sample() -> None:
    assert doctest.testmod(signs).failed == 0


# The shipped entries


@every_entry
def test_each_entry_finds_its_example_and_not_its_counterexample(entry: Signature) -> None:
    assert entry.example
    assert entry.counterexample
    for source in entry.sources:
        alone = Signatures(entries=(entry,), groups=SHIPPED.groups)
        assert [s.signature for s in found(entry.example, source=source, known=alone)] == [entry.id]
        assert found(entry.counterexample, source=source, known=alone) == ()


@every_entry
def test_each_entry_says_how_sure_it_is_and_nothing_of_this_is_public(entry: Signature) -> None:
    assert entry.confidence == "inferred"
    assert len(entry.known_from) > 10


def test_each_source_is_in_one_group_and_is_looked_at_for_something() -> None:
    told = [source for group in SHIPPED.groups for source in group.sources]
    assert sorted(told) == sorted(SourceName.__args__)  # type: ignore[attr-defined]
    assert {source for entry in SHIPPED.entries for source in entry.sources} == set(told)
    assert {entry.code for entry in SHIPPED.entries} == set(SIGN_CODES)
    assert all(group.why for group in SHIPPED.groups)


INNOCENT = [
    ("nodeworx_page", "NodeWorx Email Address Password Login InterWorx Control Panel 8.2.0"),
    ("nodeworx_page", "503 Service Unavailable"),
    ("nodeworx_page", "502 Bad Gateway nginx/1.22.1"),
    ("nodeworx_page", "Please read the License Agreement: the panel may be down for scheduled maintenance"),
    ("nodeworx_page", "Location: /nodeworx/?action=login"),
    ("nodeworx_page", "Retry-After: 3600"),
    ("siteworx_page", "Support and maintenance contract"),
    ("command_answer", "8.2.0"),
    ("command_answer", "Unable to connect to the InterWorx database: No such file or directory"),
    ("banner", "A new version of InterWorx is available: 8.2.1"),
    ("banner", "The InterWorx upgrade to 8.2.0 is complete"),
    ("banner", "0 failed upgrade steps"),
    ("banner", "On Sunday the server will go into maintenance mode"),
    ("banner", "Read how to switch InterWorx to maintenance mode"),
    ("health", "raid | Raid array | 1"),
    ("panel_log", "2026-11-23 19:52:38 stand-in: --fively done"),
    ("panel_log", "running maintenance tasks"),
    ("panel_log", "optimised tables, maintenance done"),
    ("error_log", "AH00489: Apache/2.4.71 configured -- resuming normal operations"),
    ("file_name", "maintenance.html"),
    ("file_name", "iworx-web.pid"),
    ("file_name", "maintainers"),
    ("ini_key", "dsn"),
]


@pytest.mark.parametrize(("source", "text"), INNOCENT)
def test_what_is_said_every_day_is_no_sign(source: SourceName, text: str) -> None:
    assert found(text, source=source, known=SHIPPED) == ()


def test_apaches_own_page_for_a_dead_backend_is_no_sign() -> None:
    """It blames "maintenance downtime or capacity problems" whatever the reason is."""
    page = (CAPTURES / "apache-503-dead-backend.html").read_text()
    text = page_text(page, limit_characters=LINE_CHARACTERS)
    assert "maintenance downtime" in text
    for source in ("nodeworx_page", "siteworx_page", "command_answer", "banner"):
        assert find_signs(source, lines(page_title(page), text), SHIPPED, None) == ()
    log = (CAPTURES / "apache-dead-backend-error.log").read_text().splitlines()
    assert found(*log, source="error_log", known=SHIPPED) == ()


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({}, None),
        ({"id": ""}, "id"),
        ({"id": "-a"}, "id"),
        ({"id": "n" * 80}, None),
        ({"id": "n" * 81}, "id"),
        ({"sources": ()}, "sources"),
        ({"code": "PANEL-071"}, "code"),
        ({"known_from": ""}, "known_from"),
        ({"pattern": ""}, "pattern"),
        ({"pattern": "maintenance.*"}, "pattern"),
        ({"unless": ""}, None),
        ({"unless": "x+"}, "unless"),
        ({"sources": ("ini_key",), "pattern": "[ab]cd|[ef]gh"}, "pattern"),
        ({"sources": ("ini_key",), "unless": "[ab]cd|[ef]gh"}, None),
        ({"example": "maintenance on", "counterexample": "maintenance off"}, None),
        ({"example": "maintenance off"}, "example"),
        ({"counterexample": "maintenance on"}, "counterexample"),
    ],
)
def test_an_entry_that_cannot_be_used_is_told_with_its_key(more: dict[str, Any], key: str | None) -> None:
    fault = fault_of(structs.replace(ENTRY, **more))
    assert (fault[0] if fault else None) == key


# What a sign tells


def test_a_sign_tells_where_it_stands_when_it_was_written_and_how_sure_it_is() -> None:
    group = SourceGroup(name="log", sources=("panel_log",), weight="past", why="")
    known = Signatures(entries=(structs.replace(ENTRY, confidence="observed"),), groups=(group,))
    (sign,) = find_signs("panel_log", lines("x", " maintenance ON ", "y"), known, None, written_at=9.0)
    assert sign == Sign(
        signature="a",
        code="PANEL-070",
        group="log",
        weight="past",
        confidence="observed",
        seen="iworx.log",
        text="maintenance ON",
        at=1.0,
        written_at=9.0,
        lines_after=1,
    )
    assert (sign.evidence.source, sign.evidence.text) == ("iworx.log", "maintenance ON")


def test_a_source_without_a_group_is_one_of_its_own() -> None:
    assert (found("maintenance on")[0].group, found("maintenance on")[0].weight) == ("panel_log", "present")


def test_a_line_that_matches_unless_too_is_no_sign() -> None:
    entry = structs.replace(ENTRY, unless="not really")
    assert sign_at(entry, "maintenance on") == 0
    assert sign_at(entry, "maintenance on, not really") is None
    assert sign_at(entry, "not really") is None


@pytest.mark.parametrize(
    ("versions", "release", "seen"),
    [((), 8, True), ((8,), 8, True), ((7, 8), 8, True), ((7,), 8, False), ((7,), None, True)],
)
def test_an_entry_holds_for_its_releases(versions: tuple[int, ...], release: int | None, seen: bool) -> None:
    known = Signatures(entries=(structs.replace(ENTRY, versions=versions),))
    assert bool(find_signs("panel_log", lines("maintenance on"), known, release)) is seen


def test_an_entry_is_looked_for_in_its_sources_only() -> None:
    assert found("maintenance on", source="banner") == ()


# Bounds


def test_the_last_five_signs_of_an_entry_are_kept_in_their_order() -> None:
    told = found(*(f"{number} maintenance on" for number in range(9)))
    assert [sign.text[0] for sign in told] == ["4", "5", "6", "7", "8"]


def test_a_quote_is_cut_around_the_sign() -> None:
    (sign,) = found("a" * 500 + " maintenance on " + "b" * 500)
    assert "maintenance on" in sign.text
    assert len(sign.text) == 300


@pytest.mark.parametrize(("before", "seen"), [(1985, True), (1986, True), (1987, False)])
def test_a_line_ends_at_two_thousand_characters(before: int, seen: bool) -> None:
    assert LINE_CHARACTERS == 2000
    assert bool(found(" " * before + "maintenance on" + "!")) is seen


def test_a_huge_line_does_not_hide_the_ones_before_it() -> None:
    assert found("maintenance on", "y" * 1_000_000)


def test_no_more_than_the_last_64_kib_are_looked_at() -> None:
    filler = ["x" * 1023] * (TEXT_CHARACTERS // 1024 - 1)
    assert found("maintenance on", *filler)
    assert found("maintenance on", *filler, "x" * 1023) == ()


def test_hostile_text_and_a_huge_line_are_harmless() -> None:
    assert found("\x00\x1b[31m maintenance on\ufffd")[0].text == "\x00\x1b[31m maintenance on\ufffd"
    assert found("upgrade step " * 800_000, source="panel_log", known=SHIPPED) == ()


@given(st.lists(st.text(max_size=80), max_size=20))
def test_any_text_has_signs_or_none(texts: list[str]) -> None:
    for source in SourceName.__args__:  # type: ignore[attr-defined]
        find_signs(source, lines(*texts), SHIPPED, 8)
