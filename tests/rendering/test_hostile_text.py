"""Hostile text in all outputs: whatever the machine said, it is shown, does nothing, and is bounded."""

import importlib
import inspect
import json
import pkgutil
import sys
import unicodedata
from collections.abc import Callable, Iterable
from types import FrameType, ModuleType

import jsonschema  # type: ignore[import-untyped]
import pytest
from building import finding, incident, report
from hostile import CORPUS, everywhere
from hypothesis import given
from hypothesis import strategies as st
from outputs import OUTPUTS

from iwx_agent import rendering
from iwx_agent import report as report_module
from iwx_agent.model import Report
from iwx_agent.report import (
    FORMATS,
    TICKET_FORMATS,
    from_json,
    json_schema,
    ticket_json_schema,
    to_json,
)

ANYTHING_LONG = tuple(  # data
    f"{name}json" for name in ("", "why as ", "remote assistance as ", "runs as ", "diff as ", "outbox as ")
)
MOST_CHARACTERS = 120_000
_DATA_CHARACTERS = 100_000  # of one text in data, where it stands whole in a hundred places

REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def acting(text: str) -> set[str]:
    """Return the characters that command a terminal, hide, reorder, or break a line unseen."""
    return {
        character
        for character in set(text) - {"\n"}
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in REORDERING
        or character in "\u061c\u200b\u200e\u200f\ufeff\u00ad"
        or "\U000e0000" <= character <= "\U000e0fff"
    }


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_what_a_machine_says_does_nothing(text: str, output: str) -> None:
    told = OUTPUTS[output](everywhere(text[:_DATA_CHARACTERS] if output in ANYTHING_LONG else text))
    assert acting(told) == set()
    told.encode()
    if output not in ANYTHING_LONG:
        assert len(told) <= MOST_CHARACTERS


any_text = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=40)


@pytest.mark.parametrize("output", OUTPUTS)
@given(text=any_text | st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_bytes_in_give_valid_text_out(output: str, text: str) -> None:
    told = OUTPUTS[output](everywhere(text))
    assert acting(told) == set()
    told.encode()


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_json_with_it_is_valid_by_its_schema(text: str) -> None:
    told = everywhere(text[:_DATA_CHARACTERS])
    jsonschema.validate(json.loads(OUTPUTS["json"](told)), json.loads(json_schema()))
    jsonschema.validate(json.loads(OUTPUTS["ticket as json"](told)), json.loads(ticket_json_schema()))


@given(any_text)
def test_json_says_the_very_text_all_the_same(text: str) -> None:
    made = report(incident(finding(title=text)))
    whole = "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    assert from_json(to_json(made)).incidents[0].lead.title == whole
    assert json.loads(to_json(made))["incidents"][0]["lead"]["title"] == whole


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("\x9b31m", '"\\u009b31m"'),
        ("\x7f", '"\\u007f"'),
        ("\u202e", '"\\u202e"'),
        ("\U000e0041", '"\\udb40\\udc41"'),
        ("käse 日本 ✓", '"käse 日本 ✓"'),
    ],
)
def test_json_escapes_what_would_act_and_nothing_else(text: str, written: str) -> None:
    assert f'"title": {written}'.encode() in to_json(report(incident(finding(title=text))))


@pytest.mark.parametrize("output", OUTPUTS)
def test_the_same_facts_are_the_same_bytes(output: str) -> None:
    """Also when the report has been saved and read again, as ``report`` does."""
    told = everywhere("käse | <b> `x` {{ 7 * 7 }}\n")
    again = from_json(to_json(told))
    assert OUTPUTS[output](told) == OUTPUTS[output](told) == OUTPUTS[output](again)


# Whoever looks for a field of the form, a heading or a header finds only the agent's own

FIELDS = (
    "Category:",
    "IP Address or Hostname:",
    "Remote Assistance Enabled?",
    "Subject:",
    "Message:",
    "Priority:",
)
LINES = ("ticket as text", "ticket, short", "why", "runs", "diff", "nagios, verbose", "remote assistance")
BREAKS = ["\n", "\n\n", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize(
    "said", ["Priority: Low", "Bcc: someone@example.com", "SUMMARY", "From x", ".", "--"]
)
@pytest.mark.parametrize(
    "output", ["ticket as text", "ticket, short", "why", "runs", "diff", "nagios, verbose"]
)
@pytest.mark.parametrize("broken", BREAKS, ids=ascii)
def test_what_stands_after_a_line_break_never_begins_a_line(broken: str, output: str, said: str) -> None:
    def beginning(text: str) -> list[str]:
        return [line for line in OUTPUTS[output](everywhere(text)).splitlines() if line.startswith(said)]

    assert beginning(f"safe{broken}{said}") == beginning("safe")


@pytest.mark.parametrize("output", ["ticket as text", "ticket, short"])
@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_a_ticket_has_the_fields_of_the_form_and_no_other(text: str, output: str) -> None:
    def fields(told: Report) -> list[str]:
        lines = OUTPUTS[output](told).split("\n")
        return [field for line in lines for field in FIELDS if line.startswith(field)]

    begun = f"It says {text}"  # as each sentence of the agent begins
    assert fields(everywhere(begun)) == fields(everywhere("text")) == list(FIELDS)


# None can be forgotten


def run_by(outputs: Iterable[Callable[[Report], str]]) -> set[tuple[str, str]]:
    """Return (module, function) of all that ran while these were made of one report."""
    ran: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            ran.add((frame.f_globals.get("__name__", ""), frame.f_code.co_name))

    told = everywhere("text")
    sys.setprofile(note)
    try:
        for output in outputs:
            output(told)
    finally:
        sys.setprofile(None)
    return ran


def public_functions(*packages: ModuleType) -> set[tuple[str, str]]:
    """Return (module, function) of what a package's modules offer that gives text or bytes."""
    found: set[tuple[str, str]] = set()
    for package in packages:
        names = [package.__name__]
        names += [
            one.name
            for one in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}.")
        ]
        for name in names:
            for function, made in inspect.getmembers(importlib.import_module(name), inspect.isfunction):
                if made.__module__ == name and not function.startswith("_"):
                    found.add((name, function))
    return found


# What gives no text, or none of the machine's.
NO_RENDERINGS = ("exit_code", "explanation", "from_json", "json_schema", "ticket_json_schema")


def test_each_rendering_there_is_stands_in_this_file() -> None:
    """A new one fails here until it is in OUTPUTS, and so in every test above."""
    unused = public_functions(rendering, report_module) - run_by(OUTPUTS.values())
    assert {(module, function) for module, function in unused if function not in NO_RENDERINGS} == set()
    assert [one for one in FORMATS if one not in OUTPUTS] == []
    assert [one for one in TICKET_FORMATS if f"ticket as {one}" not in OUTPUTS] == []


def test_one_that_is_not_would_be_noticed() -> None:
    ran = run_by([OUTPUTS["nagios"]])
    assert ("iwx_agent.rendering.nagios", "render") in ran
    assert ("iwx_agent.rendering.markdown", "render") not in ran
