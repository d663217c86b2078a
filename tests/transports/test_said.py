"""What a receiver answers: one value of another kind costs nothing but itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.transports.said import Said, said_in


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{}", Said()),
        (b'{"reference": 17}', Said(reference="17")),
        (b'{"key": 5, "found": true}', Said(key="5", found=True)),
        (b'{"reference": "T-17", "id": 5, "url": null}', Said(reference="T-17")),
        (b'{"reference": [17], "url": "https://x.example.com"}', Said(url="https://x.example.com")),
        (b'{"reference": true, "found": 1, "retry_after_s": "x"}', Said()),
        (b'{"reference": 1' + b"0" * 6000 + b"}", Said()),
        (b'{"retry_after_s": 1e9}', Said(retry_after_s=1e9)),
        (b'{"retry_after_s": 30}', Said(retry_after_s=30.0)),
    ],
)
def test_each_value_counts_by_itself(data: bytes, said: Said) -> None:
    assert (said_in(data) or Said()) == said


@pytest.mark.parametrize("data", [b"", b"17", b"null", b"[{}]", b"T-17", b"\xff", b"[" * 5000])
def test_what_is_no_object_is_no_answer(data: bytes) -> None:
    assert said_in(data) is None


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_none(data: bytes) -> None:
    assert said_in(data) is None or isinstance(said_in(data), Said)
