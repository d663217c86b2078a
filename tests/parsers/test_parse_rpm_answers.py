"""rpm's answers: packages, and what is wrong with its database."""

import doctest
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers import rpm_answers
from iwx_agent.parsers.rpm_answers import database_trouble, parse_packages


def test_sample() -> None:
    assert doctest.testmod(rpm_answers).failed == 0


def test_a_package_that_is_there_twice_is_told_twice() -> None:
    text = (
        "interworx-cli\t0\t8.2.0\t2345.rhe9x.iworx\tnoarch\t1795459804\n"
        "interworx-cli\t2\t8.3.0\t2400.rhe9x.iworx\tnoarch\t0\n"
        "package iworxphp72-php-fpm is not installed\n"
    )
    first, second = parse_packages(text)
    assert (first.version, first.release, first.architecture) == ("8.2.0", "2345.rhe9x.iworx", "noarch")
    assert (first.epoch, first.installed_at) == (0, 1_795_459_804.0)
    assert (second.version, second.epoch, second.installed_at) == ("8.3.0", 2, None)


def test_nothing_is_nothing() -> None:
    assert parse_packages("") == ()
    assert parse_packages("package interworx is not installed\n") == ()


@pytest.mark.parametrize(
    "text", ["interworx-8.2.0\n", "a\tb\tc\n", "error: rpmdb open failed\n", "a\t0\t1\t1\tx86"]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_packages(text)


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", None),
        ("warning: waiting for shared lock on /var/lib/rpm/.rpm.lock", None),
        (
            "error: sqlite failure: PRAGMA journal_mode = WAL: database or disk is full\ncannot open",
            "disk_full",
        ),
        ("error: sqlite failure: attempt to write a readonly database", "read_only"),
        (
            "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Read-only file system)",
            "read_only",
        ),
        ("error: db5 error(-30973) from dbenv->failchk: BDB0087 DB_RUNRECOVERY: Fatal error", "recovery"),
        ("rpmdb: BDB2055 Lock table is out of available lock entries", "recovery"),
        ("error: rpmdb: damaged header #12 retrieved -- skipping.", "damaged"),
        ("error: db5 error(-30986) from dbcursor->c_get: BDB0075 DB_PAGE_NOTFOUND", "damaged"),
        ("error: rpmdbNextIterator: skipping h#     7 Header V3 RSA/SHA256", "damaged"),
        ("error: cannot open Packages database in /var/lib/rpm", "unreadable"),
    ],
)
def test_what_rpm_complains_of(text: str, trouble: str | None) -> None:
    assert database_trouble(text) == trouble


@given(st.text())
def test_any_text_is_packages_or_refused(text: str) -> None:
    database_trouble(text)
    with suppress(ParseError):
        parse_packages(text)
