"""Sources of settings in rising order, the origin of each value, and files that others may change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.config import ConfigError, Settings, load_settings, wrong_setting
from iwx_agent.config import settings as settings_module
from iwx_agent.config.gathering import Gathered, Origin, gather, variable_of
from iwx_agent.config.schema import field_at, leaves
from iwx_agent.config.sending import load_sending

Put = Callable[..., Path]


def refused(load: Callable[[], object] = load_settings) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        load()
    return raised.value


def test_each_source_beats_the_one_before_and_leaves_the_rest(
    put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        "config.toml",
        'budget_s = 1\nboot_grace_s = 1\n[identity]\nhost_name = "a"\nip_address = "192.0.2.1"\n',
    )
    put("conf.d/20.toml", 'budget_s = 3\n[identity]\nhost_name = "c"\n')
    put("conf.d/10.toml", 'budget_s = 2\nconfirm_after_s = 2\n[identity]\nhost_name = "b"\n')
    put("conf.d/readme.txt", "no TOML")
    found = load_settings()
    assert (found.budget_s, found.confirm_after_s, found.boot_grace_s) == (3, 2, 1)
    assert (found.identity.host_name, found.identity.ip_address) == ("c", "192.0.2.1")
    monkeypatch.setenv("IWX_AGENT_BUDGET_S", "4")
    monkeypatch.setenv("IWX_AGENT_IDENTITY__HOST_NAME", "d")
    assert (load_settings().budget_s, load_settings().identity.host_name) == (4, "d")
    settings_module.COMMAND_LINE["budget_s"] = "5"
    assert (load_settings().budget_s, load_settings().identity.host_name) == (5, "d")


def test_conf_d_alone_is_enough(put: Put) -> None:
    put("conf.d/x.toml", "budget_s = 9")
    assert load_settings() == Settings(budget_s=9)


def test_each_value_knows_its_origin(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    first = put("config.toml", '# x\nbudget_s = 1\n[identity]\nhost_name = "a"\n')
    second = put("conf.d/1.toml", '[identity]\n\nip_address = "192.0.2.1"\n')
    monkeypatch.setenv("IWX_AGENT_BOOT_GRACE_S", "4")
    settings_module.COMMAND_LINE["licence"] = "direct"
    all_set = gather()
    told = {key: all_set.origin_of(key) for key in all_set.set_keys()}
    assert told == {
        "budget_s": Origin(kind="file", name=str(first)),
        "identity.host_name": Origin(kind="file", name=str(first)),
        "identity.ip_address": Origin(kind="file", name=str(second)),
        "boot_grace_s": Origin(kind="environment", name="IWX_AGENT_BOOT_GRACE_S"),
        "licence": Origin(kind="command line", name="--set"),
    }
    assert [told["identity.host_name"].line("identity.host_name"), told["licence"].line("licence")] == [4, 0]
    assert told["identity.ip_address"].line("identity.ip_address") == 3
    assert all_set.origin_of("confirm_after_s") == Origin(kind="default")


def test_an_error_names_the_file_that_is_wrong_and_not_the_first(put: Put) -> None:
    put("config.toml", "budget_s = 60\n")
    path = put("conf.d/50-late.toml", "\n\nbudget_s = 0\n")
    error = refused()
    assert (error.path, error.line, error.key) == (str(path), 3, "budget_s")
    put("conf.d/60-later.toml", "budget_s = 60\n")
    assert load_settings().budget_s == 60  # what was replaced does not count


def test_a_key_of_another_table_is_named_in_full(put: Put) -> None:
    put("config.toml", 'host_name = "www.example.com"\n')
    assert refused().why == "unknown key; did you mean identity.host_name?"
    put("config.toml", 'password_file = "/x"\n')
    assert refused().why == (
        "unknown key; did you mean transport.portal.password_file or transport.email.password_file?"
    )
    put("config.toml", "zzzzzzzzz = 1\n")
    assert refused().why == "unknown key"


@pytest.mark.parametrize(
    ("first", "second", "key"),
    [
        ("identity = 3", "[identity]\nhost_name = 'a'", ""),
        ("[identity]\nhost_name = 'a'", "identity = 3", "identity"),
        ("[identity]\nhost_name = 'a'", "[identity.host_name]\nx = 3", "identity.host_name"),
        ("[identity]\nhost_name = 'a'", "[identity]", ""),
    ],
)
def test_a_table_over_a_value_and_a_value_over_a_table(put: Put, first: str, second: str, key: str) -> None:
    put("config.toml", first)
    path = put("conf.d/x.toml", second)
    if key:
        assert (refused().path, refused().key) == (str(path), key)
    else:
        assert load_settings().identity.host_name == "a"


# The environment and the command line


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("AUTO__ENABLED", "true", True),
        ("AUTO__ENABLED", "0", False),
        ("AUTO__PAUSE_S", "60", 60),
        ("DELIVERY__LIMIT_S", "6.5", 6.5),
        ("DELIVERY__SENDER_NAME", "60", "60"),
        ("AUTO__WINDOW__DAYS", "monday, friday", ("monday", "friday")),
        ("AUTO__WINDOW__BEGINS", "08:00:00", "08:00:00"),
        ("TRANSPORT__FILE__DIRECTORY", "/srv/tickets", "/srv/tickets"),
    ],
)
def test_the_environment_is_typed(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object
) -> None:
    monkeypatch.setenv(f"IWX_AGENT_{name}", text)
    found: object = load_sending()
    for part in name.lower().split("__"):
        found = getattr(found, part)
    assert (found.isoformat() if hasattr(found, "isoformat") else found) == value
    assert type(found) is type(value) or not isinstance(value, bool | int | float)


def test_a_list_in_the_environment_may_be_written_as_in_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IWX_AGENT_TRANSPORT__COMMAND__COMMAND", '["/opt/file", "a, b"]')
    command = load_sending().transport.command
    assert command is not None
    assert command.command == ("/opt/file", "a, b")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("BUDGET", "1", "unknown key; did you mean IWX_AGENT_BUDGET_S?"),
        ("AUTO__ENABL", "1", "did you mean IWX_AGENT_AUTO__ENABLED?"),
        ("AUTO", "1", "unknown key"),
        ("", "1", "unknown key"),
        ("AUTO__ENABLED__X", "1", "unknown key"),
        ("LIMITS", "1", "unknown key"),
        ("LIMITS__SYSTEM_CLOCK__SETTLE_S", "1", "limits of checks are set in a file"),
        ("AUTO__ENABLED", "maybe", "Expected `bool`"),
        ("BUDGET_S", "", "Expected `float`"),
        ("BUDGET_S", "0", "between 1 and 86400"),
        ("BUDGET_S", "nan", "between 1 and 86400"),
        ("LICENCE", "directt", "did you mean direct?"),
        ("DELIVERY__CHAIN", "portal,emial", "did you mean email?"),
        ("DELIVERY__CHAIN", '["portal"', "Unclosed array"),
    ],
)
def test_a_variable_that_sets_nothing_is_an_error(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    monkeypatch.setenv(f"IWX_AGENT_{name}", text)
    error = refused()
    assert error.path == f"environment, IWX_AGENT_{name}"
    assert said in error.why


def test_the_mark_of_what_the_agent_starts_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IWX_AGENT_QUESTION", "1-2")
    assert load_settings() == Settings()


def test_the_command_line_says_that_it_was_the_command_line() -> None:
    settings_module.COMMAND_LINE["budgets"] = "1"
    error = refused()
    assert (error.path, error.key) == ("command line, --set", "budgets")
    assert error.why == "unknown key; did you mean budget_s?"


def test_each_key_but_those_of_checks_has_a_variable() -> None:
    for key, _, _ in leaves():
        assert field_at(variable_of(key).removeprefix("IWX_AGENT_").lower().replace("__", ".")) is not None


# Files that others may change


@pytest.mark.parametrize("name", ["config.toml", "conf.d/x.toml"])
@pytest.mark.parametrize(("mode", "said"), [(0o646, "others may change it: chmod go-w"), (0o644, "")])
def test_a_file_that_everybody_may_change_is_refused(put: Put, name: str, mode: int, said: str) -> None:
    path = put(name, "budget_s = 7", mode)
    if not said:
        assert load_settings().budget_s == 7
        return
    assert (refused().path, str(refused())) == (str(path), f"{path}: {said} {path}")


@pytest.mark.parametrize("name", ["conf.d", "."])
def test_a_directory_that_everybody_may_change_is_refused(put: Put, etc: Path, name: str) -> None:
    put("conf.d/x.toml", "budget_s = 7")
    (etc / name).chmod(0o777)
    assert refused().path == str(etc / name)
    assert refused().fix == f"chmod go-w {etc / name}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("name", ["config.toml", "conf.d/x.toml", "conf.d"])
def test_what_belongs_to_somebody_else_is_refused(put: Put, etc: Path, name: str) -> None:
    put("config.toml", "budget_s = 7")
    put("conf.d/x.toml", "budget_s = 7")
    os.chown(etc / name, 12345, 0)
    assert (refused().path, "belongs to user 12345" in refused().why) == (str(etc / name), True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(("group", "works"), [(0, True), (12345, False)])
def test_a_group_that_may_change_it_is_root_s(put: Put, group: int, *, works: bool) -> None:
    path = put("config.toml", "budget_s = 7", 0o664)
    os.chown(path, 0, group)
    path.chmod(0o664)
    if works:
        assert load_settings().budget_s == 7
    else:
        assert "others may change it" in refused().why


def test_a_place_that_is_no_directory(put: Put, etc: Path) -> None:
    put("config.toml", "")
    put("conf.d", "")
    assert "Not a directory" in refused().why


def test_the_error_of_a_setting_that_others_judge_is_placed(put: Put) -> None:
    path = put("conf.d/x.toml", '\n[limits."system.clock"]\nsettle_s = 1\n')
    error = wrong_setting("limits.system.clock.settle_s", "no")
    assert (error.path, error.line) == (str(path), 3)
    nowhere = wrong_setting("budget_s", "no")
    assert (nowhere.path.endswith("config.toml"), nowhere.line) == (True, 0)


# Merging

_TABLES = st.recursive(
    st.integers(0, 3), lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
).filter(lambda value: isinstance(value, dict))


def leaves_of(table: dict[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in table.items():
        if isinstance(value, dict) and value:
            found |= leaves_of(value, f"{prefix}{name}.")
        elif not isinstance(value, dict):
            found[f"{prefix}{name}"] = value
    return found


@given(st.lists(_TABLES, max_size=4))
def test_the_last_word_counts_and_knows_where_it_came_from(tables: list[dict[str, object]]) -> None:
    gathered = Gathered(Path("config.toml"))
    for number, table in enumerate(tables):
        gathered.add(table, Origin(kind="file", name=str(number)))
    kept = leaves_of(gathered.table)
    for key, value in kept.items():
        spoke = [number for number, table in enumerate(tables) if leaves_of(table).get(key) == value]
        assert gathered.origin_of(key).name in {str(number) for number in spoke}
    if tables:
        assert leaves_of(tables[-1]).items() <= kept.items()


@given(st.text(max_size=40), st.sampled_from([key for key, _, _ in leaves() if key != "limits"]))
def test_any_text_for_any_key_is_a_value_or_an_error(text: str, key: str) -> None:
    settings_module.COMMAND_LINE.clear()
    settings_module.COMMAND_LINE[key] = text
    told = key
    try:
        load_settings()
    except ConfigError as error:
        told = error.key
    assert told.startswith((key, "delivery.chain", "transport"))
