"""Repository files: what dnf reads in them, and what makes it skip the whole file."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model.package_state import RepositoryFiles
from iwx_agent.parsers import repository_file
from iwx_agent.parsers.repository_file import parse_repository_file

PATH = "/etc/yum.repos.d/x.repo"


def ids(text: str) -> list[tuple[str, bool]]:
    return [(r.id, r.enabled) for r in parse_repository_file(text, path=PATH).repositories]


def test_sample() -> None:
    assert doctest.testmod(repository_file).failed == 0


# Each was given to dnf 4.14: `dnf repolist --all` with a directory that holds this file only.
@pytest.mark.parametrize(
    ("text", "listed"),
    [
        ("[a]\nname=A\nbaseurl=file:///x\nenabled=0\n", [("a", False)]),
        ("[a]\nname=A\nbaseurl=file:///x\n", [("a", True)]),
        (" [a]\nname=A\nbaseurl=file:///x\n", [("a", True)]),
        (
            "[a]\nbaseurl=file:///x\n  file:///y\n#c\n;d\n\n[b]\nbaseurl=file:///z\n",
            [("a", True), ("b", True)],
        ),
        ("[a]x\nbaseurl=file:///x\n", [("a", True)]),
        ("[a] # c\nbaseurl=file:///x\n", [("a", True)]),
        ("[a]\nname=A\n[a]\nbaseurl=file:///x\n", [("a", True)]),
        ("[a]\r\nname=A\r\nbaseurl=file:///x\r\nenabled=1\r\n", [("a", True)]),
        ("[a]\nenabled=maybe\nbaseurl=file:///x\n", [("a", True)]),
        ("[a]\nbaseurl=file:///x\nenabled = no\n", [("a", False)]),
        ("", []),
    ],
)
def test_what_dnf_lists(text: str, listed: list[tuple[str, bool]]) -> None:
    assert ids(text) == listed
    assert parse_repository_file(text, path=PATH).trouble == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("name=A\n[a]\nbaseurl=file:///x\n", "name=A"),
        ("<html>404</html>\n", "<html>404</html>"),
        ("[a\nname=A\n", "[a"),
        ("[a]\nname A\n", "name A"),
        ("[a]\nname: A\n", "name: A"),
        ("[a]\n  name=A\n", "  name=A"),
        ("[a]\n=A\n", "=A"),
        ("﻿[a]\nname=A\n", "﻿[a]"),
        ("[]\nname=A\n", "[]"),
    ],
)
def test_what_dnf_skips_as_a_whole(text: str, line: str) -> None:
    found = parse_repository_file(f"{text}[good]\nbaseurl=file:///y\n", path=PATH)
    assert found.trouble
    assert (found.line, found.repositories) == (line, ())


def test_all_three_kinds_of_address_count() -> None:
    text = (
        "[a]\nbaseurl=http://one.invalid/$releasever, http://two.invalid:8080/\n        http://three.invalid/\n"
        "[b]\nmirrorlist=https://list.invalid/?repo=b\n[c]\nmetalink=https://meta.invalid/\n[d]\nbaseurl=\n"
        "[e]\nbaseurl=file:///srv/e\n"
    )
    a, b, c, d, e = parse_repository_file(text, path=PATH).repositories
    assert a.hosts == ("one.invalid", "two.invalid", "three.invalid")
    assert (b.hosts, c.hosts) == (("list.invalid",), ("meta.invalid",))
    assert (d.addresses, d.hosts) == ((), ())
    assert (e.addresses, e.hosts) == (("file:///srv/e",), ())


def test_the_main_section_of_a_configuration_is_no_repository() -> None:
    assert ids("[main]\ngpgcheck=1\n[extra]\nbaseurl=file:///x\n") == [("extra", True)]


def test_no_credentials_are_kept() -> None:
    text = "[a]\nbaseurl=https://joe:s3cr3t@repo.invalid/\nusername=joe\npassword=s3cr3t\n"
    assert "s3cr3t" not in repr(parse_repository_file(text, path=PATH))
    torn = parse_repository_file("baseurl=https://joe:s3cr3t@repo.invalid/\n", path=PATH)
    assert torn.line == "baseurl=https://repo.invalid/"
    endless = parse_repository_file(f"[a]\nbaseurl=https://joe:{'s3cr3t' * 500}@repo.invalid/\n", path=PATH)
    assert endless.repositories[0].addresses == ()


def test_a_repository_is_used_if_it_is_switched_on_by_name_or_by_a_name_with_a_variable() -> None:
    text = (
        "[a]\nbaseurl=x://y\n[off]\nbaseurl=x://y\nenabled=0\n[epel-$releasever-${basearch}]\nbaseurl=x://y\n"
    )
    files = RepositoryFiles(files=(parse_repository_file(text, path=PATH),))
    assert [files.uses(name) for name in ("a", "off", "epel-9-x86_64", "epel", "b")] == [
        True,
        False,
        True,
        False,
        False,
    ]


@given(st.text())
def test_any_text_is_a_file_with_repositories_or_trouble(text: str) -> None:
    found = parse_repository_file(text, path=PATH)
    assert not (found.trouble and found.repositories)
