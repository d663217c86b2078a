"""Configuration: what may be set, and an error with path, key and reason for everything else."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from iwx_agent import config
from iwx_agent.config import (
    ConfigError,
    Identity,
    Settings,
    load_causes,
    load_layout,
    load_page,
    load_settings,
    load_signatures,
)
from iwx_agent.model import Licence
from iwx_agent.parsers.signs import fault_of


@pytest.fixture
def write(etc: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, text: str | bytes) -> Path:
        path = etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


Write = Callable[[str, str | bytes], Path]


def refused(path: Path, key: str, said: str, load: Callable[[], object] = load_settings) -> None:
    with pytest.raises(ConfigError) as raised:
        load()
    assert (raised.value.path, raised.value.key) == (str(path), key)
    assert said in raised.value.why
    place = f"{path}:{raised.value.line}" if raised.value.line else str(path)
    assert str(raised.value) == (f"{place}: {key}: " if key else f"{place}: ") + raised.value.why


def test_without_a_file_the_defaults_hold() -> None:
    assert (
        load_settings()
        == Settings()
        == Settings(
            identity=Identity(), budget_s=30, confirm_after_s=4, boot_grace_s=300, transaction_grace_s=7200
        )
    )


def test_what_is_set_is_taken(write: Write, etc: Path) -> None:
    write(
        "config.toml", 'budget_s = 60\n[identity]\nhost_name = "www.example.com"\nip_address = "192.0.2.1"\n'
    )
    expected = Settings(budget_s=60.0, identity=Identity(host_name="www.example.com", ip_address="192.0.2.1"))
    assert load_settings() == load_settings(etc) == expected


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("budget = 1", "budget", "unknown key; did you mean budget_s?"),
        ("[identity]\nname = 'x'", "identity.name", "unknown key"),
        ("budget_s = 'x'", "budget_s", "Expected `float`"),
        ("budget_s = true", "budget_s", "Expected `float`"),
        ("budget_s = 0", "budget_s", "seconds between 1 and 86400"),
        ("licence = 'directt'", "licence", "Invalid enum value 'directt'; did you mean direct?"),
        ("licence = true", "licence", "Expected `str`"),
        ("confirm_after_s = 86401", "confirm_after_s", "seconds between 0 and 86400"),
        ("boot_grace_s = nan", "boot_grace_s", "seconds between 0 and 86400"),
        ("transaction_grace_s = inf", "transaction_grace_s", "seconds between 0 and 86400"),
        ("budget_s = 1" + "0" * 400, "budget_s", "out of range"),
        ("budget_s = 1" + "0" * 5000, "", "not TOML"),
        ("a = " + "[" * 5000, "", "not TOML"),
        ("budget_s", "", "not TOML"),
        ("budget_s = 1\nbudget_s = 2", "", "not TOML"),
        (b"# \xff", "", "not UTF-8 at byte 2"),
        ("#" * (1024 * 1024 + 1), "", "at most 1048576 bytes, got 1048577"),
    ],
)
def test_what_may_not_be_set_is_said(write: Write, text: str | bytes, key: str, said: str) -> None:
    refused(write("config.toml", text), key, said)


@pytest.mark.parametrize("licence", Licence)
def test_where_the_licence_was_bought(write: Write, licence: Licence) -> None:
    assert load_settings().licence is Licence.NOT_SET
    write("config.toml", f'licence = "{licence}"')
    assert load_settings().licence is licence


@pytest.mark.parametrize("seconds", ["1", "86400"])
def test_limits_are_inclusive(write: Write, seconds: str) -> None:
    write("config.toml", f"budget_s = {seconds}")
    assert load_settings().budget_s == float(seconds)


def test_a_config_that_is_no_file(etc: Path) -> None:
    (etc / "config.toml").mkdir(parents=True)
    refused(etc / "config.toml", "", "regular file")
    (etc / "config.toml").rmdir()
    os.mkfifo(etc / "config.toml")
    refused(etc / "config.toml", "", "regular file")
    (etc / "config.toml").unlink()
    (etc / "config.toml").symlink_to("config.toml")
    refused(etc / "config.toml", "", "symbolic links")


# The layout


def test_the_package_knows_the_panel() -> None:
    layout = load_layout()
    assert layout.text("path.home") == "/usr/local/interworx"
    assert layout.port("port.nodeworx_https") == 2443
    assert layout.command("command.ip_addresses")[0] == "nodeworx"
    assert set(layout.texts("unit.panel")) <= set(layout.everything("unit"))


ENTRY = '[[path.home]]\nvalue = "/opt/panel"\nconfidence = "observed"\nsource = "here"\n'


def test_a_correction_replaces_the_whole_entry_and_the_last_file_wins(write: Write) -> None:
    write("interworx.d/10-home.toml", ENTRY)
    assert load_layout().texts("path.home") == ("/opt/panel",)
    write("interworx.d/20-home.toml", ENTRY.replace("/opt", "/srv"))
    write("interworx.d/readme.txt", "no TOML")
    assert load_layout().texts("path.home") == ("/srv/panel",)


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        (ENTRY.replace("home", "hme"), "path.hme", "unknown entry; did you mean path.home?"),
        (ENTRY.replace("path.home", "x.zzzzz"), "x.zzzzz", "unknown entry"),
        (ENTRY.replace('"observed"', '"sure"'), "path.home[0].confidence", "sure"),
        (ENTRY + "extra = 1\n", "path.home[0].extra", "unknown key"),
        (ENTRY.replace('"/opt/panel"', '""'), "path.home", "expected a str that is not empty, got ''"),
        (ENTRY.replace('"/opt/panel"', "7"), "path.home", "expected a str that is not empty, got 7"),
        ("[path]\nhome = []", "path.home", "at least one alternative"),
        (ENTRY.replace("path.home", "port.ssh"), "port.ssh", "expected a int"),
        (
            ENTRY.replace("path.home", "port.ssh").replace('"/opt/panel"', "0"),
            "port.ssh",
            "from 1 to 65535, got 0",
        ),
        (
            ENTRY.replace("path.home", "port.ssh").replace('"/opt/panel"', "65536"),
            "port.ssh",
            "from 1 to 65535, got 65536",
        ),
        (ENTRY.replace("path.home", "command.ip_addresses"), "command.ip_addresses", "expected a tuple"),
        (
            ENTRY.replace("path.home", "command.ip_addresses").replace('"/opt/panel"', "[]"),
            "command.ip_addresses",
            "not empty, got ()",
        ),
        ("path = 1", "path", "expected a table"),
        ("[path]\nhome = 1", "path.home", "Expected `array`"),
        ("x = [", "", "not TOML"),
    ],
)
def test_a_correction_that_does_not_fit_is_said(write: Write, text: str, key: str, said: str) -> None:
    path = write("interworx.d/x.toml", text)
    with pytest.raises(ConfigError) as raised:
        load_layout()
    assert raised.value.path == str(path)
    assert said in raised.value.why
    if key:
        assert raised.value.key == key


def test_a_place_for_corrections_that_is_no_directory(write: Write) -> None:
    path = write("interworx.d", "")
    refused(path, "", "Not a directory", load_layout)


# Signatures

SIGNATURE = """
[[signature]]
id = "local.notice"
sources = ["nodeworx_page"]
pattern = 'closed until further notice'
code = "PANEL-070"
confidence = "observed"
known_from = "this server, last maintenance"
example = "NodeWorx is closed until further notice"
counterexample = "open until further notice"
"""
SHIPPED = "maintenance.mode"


def ids() -> list[str]:
    return [entry.id for entry in load_signatures().entries]


def test_the_package_brings_signatures() -> None:
    known = load_signatures()
    assert SHIPPED in ids()
    assert len(ids()) == len(set(ids()))
    assert [fault_of(entry) for entry in known.entries] == [None] * len(ids())  # not judged in each run
    assert [group.name for group in known.groups][:2] == ["page", "command"]


def test_an_entry_is_added_replaced_or_switched_off_and_the_last_file_wins(write: Write) -> None:
    shipped = ids()
    write("signatures.d/10-local.toml", SIGNATURE)
    assert ids() == [*shipped, "local.notice"]
    write("signatures.d/20-local.toml", SIGNATURE.replace("local.notice", SHIPPED))
    assert ids() == [*shipped, "local.notice"]
    known = {entry.id: entry for entry in load_signatures().entries}
    assert (known[SHIPPED].pattern, known[SHIPPED].confidence) == ("closed until further notice", "observed")
    write("signatures.d/30-off.toml", f'disable = ["{SHIPPED}", "local.notice"]')
    assert ids() == [name for name in shipped if name != SHIPPED]
    write("signatures.d/40-on.toml", SIGNATURE)
    assert "local.notice" in ids()
    write("signatures.d/readme.txt", "no TOML")


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        (SIGNATURE.replace("id = ", "identity = "), 3, "signature[0].identity", "unknown key"),
        (
            SIGNATURE.replace("'closed until further notice'", "'closed.*notice'"),
            5,
            "signature[0].pattern",
            "{0,80}",
        ),
        (
            SIGNATURE.replace("'closed until further notice'", "'(closed'"),
            5,
            "signature[0].pattern",
            "unterminated",
        ),
        (SIGNATURE.replace("'closed until further notice'", "''"), 5, "signature[0].pattern", "at least 3"),
        (
            SIGNATURE.replace("'closed until further notice'", "5"),
            5,
            "signature[0].pattern",
            "Expected `str`",
        ),
        (SIGNATURE + "unless = '(a+)+'", 11, "signature[0].unless", "bound on each repeat"),
        (SIGNATURE.replace("070", "001"), 6, "signature[0].code", "one of PANEL-070, PANEL-080"),
        (SIGNATURE.replace('"observed"', '"sure"'), 7, "signature[0].confidence", "sure"),
        (SIGNATURE.replace("nodeworx_page", "webmail"), 4, "signature[0].sources[0]", "webmail"),
        (SIGNATURE.replace('["nodeworx_page"]', "[]"), 4, "signature[0].sources", "at least one"),
        (SIGNATURE.replace("local.notice", "Local Notice"), 3, "signature[0].id", "small letters"),
        (SIGNATURE.replace("local.notice", "n" * 81), 3, "signature[0].id", "at most 80"),
        (SIGNATURE * 2, 13, "signature[1].id", "stands twice"),
        (SIGNATURE.replace("this server, last maintenance", ""), 8, "signature[0].known_from", "known from"),
        (
            SIGNATURE.replace("NodeWorx is closed", "NodeWorx is open"),
            9,
            "signature[0].example",
            "not take it",
        ),
        (SIGNATURE.replace('"open until', '"closed until'), 10, "signature[0].counterexample", "takes it"),
        (SIGNATURE.replace('code = "PANEL-070"', ""), 2, "signature[0]", "missing required field `code`"),
        (
            SIGNATURE.replace("nodeworx_page", "ini_key").replace(
                "closed until further notice", "[cC]losed|ab[cd]"
            ),
            5,
            "signature[0].pattern",
            "a plain word",
        ),
        ('disable = ["maintenance.mod"]', 1, "disable", "did you mean maintenance.mode?"),
        ('disable = "maintenance.mode"', 1, "disable", "Expected `array`"),
        ("[signatures]", 1, "signatures", "unknown key; did you mean signature?"),
        ('[[group]]\nname = "x"\nsources = []\nweight = "hint"\nwhy = ""', 1, "group", "the package's"),
        ("[[signature]]\nid = ", 2, "", "not TOML"),
    ],
)
def test_a_broken_file_of_signatures_is_refused_with_file_line_and_key(
    write: Write, text: str, line: int, key: str, said: str
) -> None:
    path = write("signatures.d/local.toml", text)
    with pytest.raises(ConfigError) as raised:
        load_signatures()
    assert (raised.value.path, raised.value.key, raised.value.line) == (str(path), key, line)
    assert said in raised.value.why


@pytest.mark.parametrize(("more", "accepted"), [(199, True), (200, True), (201, False)])
def test_there_are_at_most_two_hundred(write: Write, more: int, accepted: bool) -> None:
    added = more - len(ids())
    path = write(
        "signatures.d/x.toml", "".join(SIGNATURE.replace("notice", f"n{n}", 1) for n in range(added))
    )
    if accepted:
        assert len(ids()) == more
    else:
        refused(path, "signature", "at most 200 signatures in all, got 201", load_signatures)


# Causes and pages


def test_the_causes_are_read_in_order() -> None:
    causes = load_causes()
    assert causes[0].code == "SYSTEM-030"
    assert len(causes) > 50


def test_damaged_causes_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config.toml_file, "DATA", tmp_path)
    assert load_causes() == ()
    (tmp_path / "causes.toml").write_text('[[cause]]\ncode = 1\nexplains = []\nwhy = ""')
    refused(tmp_path / "causes.toml", "cause[0].code", "Expected `str`", load_causes)


def test_a_page_is_found_beside_the_source_or_in_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_page("panel.nodeworx").startswith("# panel.nodeworx")
    data = tmp_path / "iwx_agent" / "data"
    (data / "pages").mkdir(parents=True)
    (data / "pages" / "a.b.md").write_text("packaged")
    monkeypatch.setattr(config.pages, "DATA", data)
    assert load_page("a.b") == "packaged"
    refused(data / "pages" / "a.c.md", "", "the installation is damaged", lambda: load_page("a.c"))


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("config.toml", "\n# a comment\nbudget_s = 'x'\n", 3),
        ("config.toml", "budget_s = 60\n\n[identity]\nhost_nam = 'www.example.com'\n", 4),
        ("config.toml", "identity = 3\n", 1),
        ("config.toml", "'budget' = 3\n", 0),
        ("interworx.d/x.toml", ENTRY + "\n" + ENTRY.replace("observed", "sure"), 8),
        (
            "interworx.d/x.toml",
            "# port of the panel\n[[port.nodeworx_https]]\nvalue = 0\n"
            + ENTRY.partition("\n")[2].partition("\n")[2],
            2,
        ),
        ("interworx.d/x.toml", ENTRY + ENTRY.replace("path.home", "path.hom"), 5),
    ],
)
def test_the_line_is_told_where_it_can_be_seen(write: Write, name: str, text: str, line: int) -> None:
    write(name, text)
    with pytest.raises(ConfigError) as raised:
        load_settings() if name == "config.toml" else load_layout()
    assert raised.value.line == line
