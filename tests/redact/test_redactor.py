"""The redactor as a whole: texts, bytes, structures, the account of what was hidden."""

import typing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from building import finding, incident, report, result
from hypothesis import given
from hypothesis import strategies as st
from redacting import RULES, SECRET, WORDS, redacted, redactor

from iwx_agent.model import Evidence, Report, Scope, Severity
from iwx_agent.model.report import LastVerdict, verdict_to_keep
from iwx_agent.model.verdict import Step, Verdict
from iwx_agent.redact import FURTHER, RedactionReport, RedactionRow
from iwx_agent.redact import redactor as redactor_module

PLANTED = f"password={SECRET}"

# Bytes and odd texts


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (PLANTED.encode(), b"password=[hidden:password]"),
        (b"\xff\xfe password=a\xff b", "\ufffd\ufffd password=[hidden:password] b".encode()),
        (b"", b""),
        (b"\x00\x01\n\x7f", b"\x00\x01\n\x7f"),
    ],
)
def test_any_bytes_become_valid_utf8(data: bytes, expected: bytes) -> None:
    assert redactor().redact_bytes(data, "x") == expected


def test_halves_of_surrogate_pairs_become_replacement_characters() -> None:
    assert redacted("a\ud800b password=\udcffx") == "a\ufffdb password=[hidden:password]"


def test_letters_that_grow_in_lower_case_move_nothing() -> None:
    assert (
        redacted("İİİ Pass\u017fword=x PASSWORD=s3cret İ")
        == "İİİ Pass\u017fword=x PASSWORD=[hidden:password] İ"
    )


def test_a_text_is_looked_at_four_times_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []

    def once(page: Any, *_: Any) -> tuple[str, bool]:
        looks.append(page.text)
        return page.text + "x", True

    monkeypatch.setattr(redactor_module, "redacted_once", once)
    assert redacted("a") == "axxxx"
    assert looks == ["a", "ax", "axx", "axxx"]


# Structures


class Colour(StrEnum):
    PASSWORD = "password=x"


def planted(value: Any) -> Any:
    """Return the same structure with a secret in each text, codes and the like excepted."""
    match value:
        case StrEnum():
            return value
        case str():
            return f"{value} {PLANTED}"
        case msgspec.Struct():
            kind, hints = type(value).__name__, typing.get_type_hints(type(value))
            return msgspec.structs.replace(
                value,
                **{
                    name: planted(getattr(value, name))
                    for name in value.__struct_fields__
                    if (kind, name) not in redactor_module._IDENTITIES
                    and typing.get_origin(hints[name]) is not typing.Literal
                },
            )
        case dict():
            return {planted(key): planted(one) for key, one in value.items()}
        case tuple():
            return tuple(planted(one) for one in value)
    return value


def full_report() -> Report:
    lead = finding(
        evidence=(Evidence(source="/var/log/x:1", text="alice@example.com from 203.0.113.9"),),
        subject="mailbox of alice@example.com",
        since_source="seen",
        touches=("mail",),
    )
    step = Step(about="x", said="y", rule="z", because=("0123456789abcdef",))
    return report(
        incident(lead, finding("PANEL-002")),
        results=(result(lead),),
        verdict=Verdict(priority=None, emergency=True, reasons=("because",), trace=(step,)),
    )


def test_no_text_of_a_report_is_left_out() -> None:
    secret_report = planted(full_report())
    before = msgspec.json.encode(secret_report)
    assert before.count(SECRET.encode()) > 40
    after = msgspec.json.encode(redactor().redact_value(secret_report, "report"))
    assert SECRET.encode() not in after
    assert b"alice" not in after
    assert b"203.0.113.9" not in after
    assert isinstance(msgspec.json.decode(after, type=Report), Report)


def test_a_report_without_secrets_stays_the_same() -> None:
    clean = report(incident(finding()), results=(result(finding()),))
    kept = redactor(kept=["203.0.113.7"]).redact_value(clean, "report")
    assert kept == clean


def test_identities_numbers_and_times_stay() -> None:
    before = planted(full_report())
    after = redactor().redact_value(before, "report")
    assert after.incidents[0].fingerprint == before.incidents[0].fingerprint
    assert after.incidents[0].lead.code == "PANEL-001"
    assert after.results[0].check_id == before.results[0].check_id
    assert after.verdict.trace[0].because == ("0123456789abcdef",)
    assert after.agent_version == before.agent_version
    assert after.incidents[0].lead.severity is Severity.EMERGENCY
    assert after.incidents[0].lead.scope is Scope.VENDOR
    assert after.collected_at == before.collected_at
    assert after.schema_version == before.schema_version
    assert list(after.timings.values()) == [0.25]


def test_a_subject_is_the_same_on_every_run() -> None:
    one, other = redactor(), redactor()
    one.redact_text("bob@example.com", "something before")
    subjects = {made.redact_value(full_report(), "x").incidents[0].lead.subject for made in (one, other)}
    assert len(subjects) == 1
    assert subjects.pop().startswith("mailbox of mail-")


def test_a_kept_verdict_is_redacted_and_keeps_its_identities() -> None:
    kept = verdict_to_keep(full_report())
    after = redactor().redact_value(kept, "state")
    assert "alice" not in repr(after)
    assert after.incidents[0].fingerprint == kept.incidents[0].fingerprint
    assert after.incidents[0].code == kept.incidents[0].code


def structs_of(annotation: Any, found: set[Any] | None = None) -> set[Any]:
    """Return all structs that a type is made of."""
    found = set() if found is None else found
    for part in typing.get_args(annotation):
        structs_of(part, found)
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct) and annotation not in found:
        found.add(annotation)
        for hint in typing.get_type_hints(annotation).values():
            structs_of(hint, found)
    return found


def test_every_identity_of_the_model_is_known_and_no_other() -> None:
    names = ("code", "check_id", "fingerprint", "because", "agent_version")
    there = {
        (kind.__name__, name)
        for kind in structs_of(Report) | structs_of(LastVerdict)
        for name in names
        if name in kind.__struct_fields__
    }
    assert there == redactor_module._IDENTITIES


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": "x y"}, {"password": "[hidden:password]"}),
        ({"Api_Key": ["a", ("b",)]}, {"Api_Key": ["[hidden:key]", ("[hidden:key]",)]}),
        ({"secret": {"inner": "x", "n": 1}}, {"secret": {"inner": "[hidden:secret]", "n": 1}}),
        ({"password": b"\xffx"}, {"password": b"[hidden:password]"}),
        ({"password": None, "token": 5, "key_file": "/x"}, {"password": None, "token": 5, "key_file": "/x"}),
        ({"password": "yes", "key": "/etc/x"}, {"password": "yes", "key": "/etc/x"}),
        ({"password": "two\nlines"}, {"password": "[hidden:password]\n[hidden:password]"}),
        ({"password": Colour.PASSWORD}, {"password": Colour.PASSWORD}),
        ({"password": "[hidden:password]"}, {"password": "[hidden:password]"}),
        ({"text": "password=x"}, {"text": "password=[hidden:password]"}),
        ({"password=abc": 1}, {"password=[hidden:password]": 1}),
        ({1: "password=x", None: "y"}, {1: "password=[hidden:password]", None: "y"}),
        (["password=x", 5, 1.5, True], ["password=[hidden:password]", 5, 1.5, True]),
        ({"a"}, {"a"}),
        (b"password=x", b"password=[hidden:password]"),
        (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_plain_structures_are_walked(value: Any, expected: Any) -> None:
    once = redactor().redact_value(value, "x")
    assert once == expected
    assert type(once) is type(expected)
    assert redactor().redact_value(once, "x") == once


# The account


def test_the_account_tells_rule_place_and_number_and_not_the_secret() -> None:
    one = redactor()
    one.redact_text(f"{PLANTED}\n\n{PLANTED}\n{WORDS}", "/var/log/x:1")
    one.redact_text(f"client 203.0.113.7, {PLANTED}", "/var/log/x:1")
    one.redact_text(f"token={SECRET}", f"command x --password {SECRET} (exit 1)")
    assert one.report == RedactionReport(
        rows=(
            RedactionRow(rule_id="ip4-address", source="/var/log/x:1", count=1),
            RedactionRow(rule_id="named-password", source="/var/log/x:1", count=3),
            RedactionRow(
                rule_id="named-token", source="command x --password [hidden:secret] (exit 1)", count=1
            ),
        )
    )
    assert one.report.count == 5
    assert SECRET not in repr(one.report)


def test_nothing_hidden_is_an_empty_account() -> None:
    one = redactor()
    one.redact_text("nothing", "x")
    assert one.report == RedactionReport()
    assert one.report.count == 0


def test_places_of_a_structure_are_told() -> None:
    one = redactor()
    one.redact_value({"mail": {"password": SECRET}, "x": PLANTED}, "config")
    lead = finding(detail=PLANTED, evidence=(Evidence(source="/var/log/y:2", text=PLANTED),))
    one.redact_value(lead, "report")
    assert [(row.rule_id, row.source) for row in one.report.rows] == [
        ("named-password", "/var/log/y:2"),
        ("named-password", "config.mail.password"),
        ("named-password", "config.x"),
        ("named-password", "report.detail"),
    ]


def test_the_account_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redactor_module, "_ROWS_COUNT", 2)
    one = redactor()
    for number in range(5):
        one.redact_text(PLANTED, f"place {number}")
    one.redact_text(PLANTED, "place 0")
    one.redact_text(PLANTED, "x" * 1000)
    assert [(row.source, row.count) for row in one.report.rows] == [
        (FURTHER, 4),
        ("place 0", 2),
        ("place 1", 1),
    ]
    assert len(redactor_long("x" * 1000).rows[0].source) == 200


def redactor_long(source: str) -> RedactionReport:
    one = redactor()
    one.redact_text(PLANTED, source)
    return one.report


def test_several_threads_may_use_it() -> None:
    one = redactor()
    with ThreadPoolExecutor(8) as pool:
        texts = [f"user{number % 50}@example.com {PLANTED}\n" * 5 for number in range(400)]
        after = list(pool.map(lambda text: one.redact_text(text, "x"), texts))
    assert len({text.split()[0] for text in after}) == 50
    assert [(row.rule_id, row.count) for row in one.report.rows] == [
        ("mail-address", 2000),
        ("named-password", 2000),
    ]


# Properties

FRAGMENTS = [
    *(rule.example for rule in RULES),
    *(rule.counterexample for rule in RULES),
    *[
        "\n",
        " ",
        "\t",
        "\r\n",
        "=",
        ":",
        '"',
        "'",
        "\\",
        '\\"',
        "&",
        "?",
        ";",
        ",",
        "|",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
    ],
    *[
        "@",
        "%",
        "+",
        "-",
        ".",
        "/",
        "://",
        "\x00",
        "\x0b",
        "\u2028",
        "é",
        "İ",
        "ſ",
        "pass",
        "word",
        "key",
        "secret",
        "dsn=",
    ],
    *[
        "[hidden:password]",
        "[hidden:",
        "password=",
        "password: ",
        "%3D",
        "&quot;",
        "%22",
        "\\n",
        "\\u0022",
        "u:p@h",
        "yes",
    ],
    *[
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "MIIEabc+/=",
        "mail-abcdef@example.com",
        "ip-abcdef",
    ],
    *[
        "1.2.3.4",
        "2001:db8::1",
        "eyJ",
        "$6$",
        "mysql ",
        " -p",
        "Cookie: ",
        "Authorization: ",
        "export ",
        "]: ",
    ],
    *["secret: |\n", "define('", 'name="pw" value="', "login a password b", "x", "1"],
]
pieced = st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=5), max_size=12).map("".join)


@given(pieced)
def test_twice_is_once(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once


@given(pieced)
def test_the_lines_stay(text: str) -> None:
    after = redacted(text)
    assert len(after.splitlines()) == len(text.splitlines())
    assert after.count("\n") == text.count("\n")


@given(pieced)
def test_a_text_does_not_grow_without_bound(text: str) -> None:
    assert len(redacted(text)) <= 8 * len(text) + 40


@given(st.binary(max_size=300))
def test_any_bytes_in_valid_utf8_out(data: bytes) -> None:
    redactor().redact_bytes(data, "x").decode("utf-8", "strict")


@given(st.text(st.characters(categories=None), max_size=60))
def test_any_text_can_be_redacted_and_written(text: str) -> None:
    redacted(text).encode()


@given(st.text("abcXYZ019 !#$%&()*+,-./:;<=>?@[]^_`{|}~äé漢", min_size=6, max_size=30).map(str.strip))
def test_whatever_stands_between_quotes_is_hidden(secret: str) -> None:
    secret = f"s3c {secret} r3t"
    assert redacted(f'x password="{secret}" and more') == 'x password="[hidden:password]" and more'
