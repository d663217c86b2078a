"""Canaries: the server's own secrets stop whatever holds one, in any form, and never show themselves."""

import base64
import copy
import html
import json
import pickle
import shlex
import traceback
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redacting import redactor

from iwx_agent.redact import Canaries, CanaryError, CanaryHit, Refused

SECRET = "n0t-a real/s3cret+&<\"'\\%=ü@1"  # with all that is escaped somewhere
SIMPLE = "n0tArealS3cret"
SOURCE = "iworx.ini [mysql] rootdsn"


def canaries(*secrets: str) -> Canaries:
    return Canaries((f"place {number}", secret) for number, secret in enumerate(secrets))


def all_as(form: str) -> Callable[[str], str]:
    """Return a function that escapes each single character."""
    return lambda text: "".join(form.format(ord(c)) for c in text)


def shown_on_a_terminal(text: str) -> str:
    return "".join(c if c.isalnum() else f"\\x{ord(c):02x}" for c in text)


def indented(text: str) -> bytes:
    return b"\n    > ".join(base64.encodebytes(b"x" * 50 + text.encode()).split(b"\n"))


FORMS: dict[str, Callable[[str], str | bytes]] = {
    "raw": str,
    "URL": lambda text: quote(text, safe=""),
    "URL in lower case": lambda text: quote(text, safe="").lower() if text == text.lower() else quote(text),
    "URL, each character": lambda text: "".join(f"%{byte:02x}" for byte in text.encode()),
    "form": quote_plus,
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "JSON": json.dumps,
    "JSON with slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "JSON, each character": all_as("\\u{:04X}"),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"m": text})),
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "HTML": html.escape,
    "HTML by numbers": all_as("&#{};"),
    "HTML by hexadecimal numbers": all_as("&#x{:x};"),
    "HTML by padded numbers": all_as("&#{:07d};"),
    "URL in HTML": lambda text: html.escape(quote(text, safe="")),
    "HTML in JSON": lambda text: json.dumps(html.escape(text)),
    "JSON in a URL": lambda text: quote(json.dumps(text), safe=""),
    "for a shell": shlex.quote,
    "as Python shows it": repr,
    "as a terminal shows it": shown_on_a_terminal,
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one letter later": lambda text: base64.b64encode(b"x" + text.encode() + b"yz"),
    "base64, two letters later": lambda text: base64.b64encode(b"xx" + text.encode() + b"y"),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(b"\xff\xff" + text.encode()),
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 50 + text.encode()),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()), safe=""),
    "base64, indented": indented,
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "over two lines": lambda text: f"{text[:7]}\n{text[7:]}",
    "over two lines with CR": lambda text: f"{text[:7]}\r\n{text[7:]}",
    "over many lines": "\n".join,
    "with a backslash": lambda text: f"{text[:6]}\\\n  {text[6:]}",
    "quoted in a mail": lambda text: f"> {text[:7]}\n> {text[7:]}",
    "in a comment": lambda text: f"# {text[:5]}\n# {text[5:]}",
    "quoted printable": lambda text: f"{text[:6]}=\r\n{text[6:]}",
    "two Python strings": lambda text: f'"{text[:6]}"\n    "{text[6:]}"',
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("secret", [SIMPLE, SECRET, "n0t-a-real_s3cret~.7"])
def test_a_secret_is_found_in_every_form(form: str, secret: str) -> None:
    if form == "as a terminal shows it":
        secret = secret.replace("ü", "")  # what is not ASCII is shown as it is
    written = FORMS[form](secret)
    data = written if isinstance(written, bytes) else written.encode()
    for around in (b"%b", b"before\nsome words and %b, more of them\nafter %%41 &amp; \\n\n"):
        if b"\0" in data and around != b"%b":
            continue  # half a text in UTF-16
        hit = canaries("another secret 1", secret).check(around % data)
        assert hit is not None, form
        assert hit.source == "place 1"


@pytest.mark.parametrize(
    ("written", "form"),
    [
        (SIMPLE, "as it is"),
        (f"{SIMPLE[:5]}\n{SIMPLE[5:]}", "as it is, split over lines"),
        (base64.b64encode(SIMPLE.encode()).decode(), "as it is, in base64"),
        ("%6e" + SIMPLE[1:], "URL-escaped"),
        ("\\u006e" + SIMPLE[1:], "JSON-escaped"),
        ("&#110;" + SIMPLE[1:], "HTML-escaped"),
    ],
)
def test_the_form_is_told(written: str, form: str) -> None:
    assert canaries(SIMPLE).check(written.encode()) == CanaryHit("place 0", form)


def test_what_holds_none_passes() -> None:
    data = b"n0tArealS3cre n0tAreal S3cret %6e0t \\u006e0t &#110;0t N0TAREALS3CRET\n" * 3
    assert canaries(SIMPLE, SECRET).check(data) is None
    assert Canaries(()).check(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_can_be_checked(data: bytes) -> None:
    assert canaries(SIMPLE, SECRET).check(data) is None


@given(st.binary(max_size=60), st.binary(max_size=60), st.sampled_from(sorted(FORMS)))
def test_no_surroundings_hide_a_secret(before: bytes, after: bytes, form: str) -> None:
    written = FORMS["raw" if "UTF-16" in form else form](SIMPLE)
    data = written if isinstance(written, bytes) else written.encode()
    assert canaries(SIMPLE).check(b"%b \n%b\n %b" % (before, data, after)) is not None


# What is no canary


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "shorter than 6 bytes"),
        ("abc12", "shorter than 6 bytes"),
        ("iworx", "shorter than 6 bytes"),
        ("localhost", "a common or public word"),
        ("InterWorx", "a common or public word"),
        ("  changeme\n", "a common or public word"),
        ("web1.example.com", "a common or public word"),
        ("1234567", "a number of fewer than 8 figures"),
        ("aaaaaaaaaa", "no more than two different characters"),
        ("abababab", "no more than two different characters"),
    ],
)
def test_a_value_that_would_stop_everything_is_refused_and_says_why(value: str, reason: str) -> None:
    one = Canaries([(SOURCE, value)], public=["WEB1.example.com"])
    assert one.refused == (Refused(SOURCE, reason),)
    assert len(one) == 0
    assert one.check(value.encode()) is None


@pytest.mark.parametrize("value", ["abc123", "12345678901", "  n0t-re4l\n", "ünot3"])
def test_a_value_just_long_enough_is_a_canary(value: str) -> None:
    one = Canaries([(SOURCE, value)])
    assert one.refused == ()
    assert one.check(b"x" + value.strip().encode() + b"y") == CanaryHit(SOURCE, "as it is")


def test_a_short_secret_with_a_quote_is_found_as_a_shell_needs_it() -> None:
    assert canaries("ab'cd1").check(b"x " + shlex.quote("ab'cd1").encode()) == CanaryHit(
        "place 0", "quoted for a shell"
    )


def test_of_a_block_its_lines_are_looked_for() -> None:
    lines = [f"n0tArealKeyN0tArealKeyLine{number:02d}" for number in range(20)]
    block = "\n".join(["-" * 5 + "BEGIN X KEY" + "-" * 5, *lines, "short", "-" * 5 + "END X KEY" + "-" * 5])
    one = Canaries([("a key", block)])
    assert 4 <= len(one) <= 6
    assert one.check(lines[0].encode()) == CanaryHit("a key", "as it is")
    assert one.check("\n".join(lines[3:12]).encode()) is not None
    assert one.check(b"-----BEGIN X KEY-----\nshort\n") is None


def test_a_block_of_short_lines_is_looked_for_as_it_is() -> None:
    hit = canaries("n0t a\nreal b").check(b"x n0t a\nreal b y")
    assert hit == CanaryHit("place 0", "as it is, split over lines")


def test_the_same_secret_in_two_places_is_looked_for_once() -> None:
    one = Canaries([("first", SIMPLE), ("second", SIMPLE)])
    assert len(one) == 1
    assert one.check(SIMPLE.encode()) == CanaryHit("first", "as it is")


# It never shows itself


def shown(one: Canaries) -> str:
    return f"{one} {one!r} {one.refused!r} {one._plain!r} {one._base64!r}"


def test_nothing_shows_a_secret() -> None:
    one = Canaries([(SOURCE, SIMPLE), ("short", "abc12")])
    told = shown(one)
    assert SIMPLE not in told
    assert "abc12" not in told
    assert base64.b64encode(SIMPLE.encode()).decode()[2:-4] not in told
    assert repr(one) == "Canaries(1 looked for, 1 refused)"
    assert not hasattr(one, "__dict__")


@pytest.mark.parametrize("copied", [pickle.dumps, copy.copy, copy.deepcopy])
def test_they_do_not_leave_the_process(copied: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="stay in the memory"):
        copied(canaries(SIMPLE))


def test_a_hit_stops_the_output_and_names_the_source_only() -> None:
    one = redactor(secrets=[(SOURCE, SIMPLE)])
    with pytest.raises(CanaryError) as caught:
        one.release(f"a line with {SIMPLE} in it".encode())
    assert (
        str(caught.value)
        == f"stopped: the output holds the secret from {SOURCE} (as it is); nothing has left"
    )
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + repr(caught.value.args)
    assert SIMPLE not in told
    assert caught.value.hit == CanaryHit(SOURCE, "as it is")


def test_what_holds_no_secret_is_released_as_it_is() -> None:
    data = b"\xff\x00 any bytes"
    assert redactor(secrets=[(SOURCE, SIMPLE)]).release(data) is data
