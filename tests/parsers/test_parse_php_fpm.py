"""PHP-FPM's pool files and its log."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.php_fpm import parse_max_children, parse_pools

LOG = (Path(__file__).parent / "captures/php/max-children.log").read_text()
WRITTEN_AT = 1795462237.27  # by SOURCE.md: 2026-11-23 19:30:37 UTC


def test_pools_with_their_sockets_in_order() -> None:
    text = """\
; a comment
[global]
listen = 1
error_log = /x
[www]
user = apache
listen = 127.0.0.1:9000 ; as of old
pm.max_children = 5
[site01]
listen = "/run/php-fpm/$pool.sock"
[without]
pm = static
"""
    assert parse_pools(text) == (("www", "127.0.0.1:9000"), ("site01", "/run/php-fpm/site01.sock"))


@pytest.mark.parametrize("text", ["", "\n; nothing\n", "[www]\nlisten =\n"])
def test_a_file_without_a_pool_that_listens(text: str) -> None:
    assert parse_pools(text) == ()


@pytest.mark.parametrize("text", ["listen = 9000\n", "[www]\nlisten\n", "<html>", "[]\n"])
def test_what_is_no_pool_file_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_pools(text)


def test_the_captured_log_names_pool_number_and_time() -> None:
    (reached,) = parse_max_children(LOG, source="error.log", modified_at=WRITTEN_AT)
    assert (reached.pool, reached.limit_count, reached.line.source) == ("www", 2, "error.log")
    assert reached.line.at == 1795462237.0
    assert reached.line.text.startswith("[23-Nov-2026 19:30:37] WARNING")


@pytest.mark.parametrize("zone_h", [-12.0, -5.0, 0.0, 5.75, 14.0])
def test_the_files_own_time_tells_the_zone_of_the_log(zone_h: float) -> None:
    written_at = WRITTEN_AT - zone_h * 3600  # the log's clock shows 19:30:37 wherever it stands
    (reached,) = parse_max_children(LOG, source="f", modified_at=written_at)
    assert reached.line.at == 1795462237.0 - zone_h * 3600


@pytest.mark.parametrize("modified_at", [0.0, WRITTEN_AT + 86_400, float("nan"), float("inf")])
def test_a_file_time_that_fits_no_zone_gives_no_time(modified_at: float) -> None:
    (reached,) = parse_max_children(LOG, source="f", modified_at=modified_at)
    assert reached.line.at is None


def test_a_line_without_a_time_or_with_an_impossible_one() -> None:
    bare = "[pool a] server reached max_children setting (7)\n"
    odd = "[99-Nov-2026 16:27:33] WARNING: [pool b] server reached pm.max_children setting (1), consider\n"
    unknown = "[01-Xyz-2026 16:27:33] NOTICE: x\n"
    found = parse_max_children(bare + odd + unknown, source="f", modified_at=1.0)
    assert [(f.pool, f.limit_count, f.line.at) for f in found] == [("a", 7, None), ("b", 1, None)]


def test_a_healthy_log_and_a_huge_line_hold_nothing() -> None:
    assert parse_max_children("", source="f", modified_at=1.0) == ()
    assert parse_max_children("[pool " * 2_000_000, source="f", modified_at=1.0) == ()


@given(st.text())
def test_any_text_gives_pools_or_a_parse_error(text: str) -> None:
    parse_max_children(text, source="f", modified_at=1.0)
    try:
        parse_pools(text)
    except ParseError:
        return


@pytest.mark.parametrize(
    "line", ["env[DB] = hunter2hunter2", "[www]\nhunter hunter2hunter2", "p=hunter2hunter2"]
)
def test_a_refused_line_is_named_without_its_value(line: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse_pools(line)
    assert "hunter2hunter2" not in str(caught.value)
