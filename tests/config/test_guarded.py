"""All that an administrator writes decides what root runs: the same guard stands before each of its files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from iwx_agent.config import (
    ConfigError,
    load_layout,
    load_policy,
    load_portal_form,
    load_provider,
    load_settings,
    load_signatures,
)
from iwx_agent.config.sending import load_sending
from iwx_agent.config.settings import may_have_secrets

Put = Callable[..., Path]
Load = Callable[[], object]

COMMAND = """\
[[command.ip_addresses]]
value = ["/home/bob/evil"]
confidence = "observed"
source = "bob"
"""
OWN: dict[str, tuple[Load, str]] = {
    "config.toml": (load_settings, "budget_s = 7"),
    "conf.d/x.toml": (load_settings, "budget_s = 7"),
    "interworx.d/x.toml": (load_layout, COMMAND),
    "portal-form.d/x.toml": (load_portal_form, 'not_needed = ["priority"]'),
    "signatures.d/x.toml": (load_signatures, 'disable = ["maintenance.mode"]'),
    "provider.toml": (load_provider, 'name = "Example Hosting"'),
    "support-policy.toml": (load_policy, ""),  # it is refused before it is understood
}
EACH = pytest.mark.parametrize("name", OWN)
BY_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


def refused(load: Load) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        load()
    return raised.value


def directories(name: str) -> tuple[str, ...]:
    parent = str(Path(name).parent)
    return (".",) if parent == "." else (".", parent)


@EACH
def test_a_file_that_others_may_change_is_refused(put: Put, name: str) -> None:
    load, text = OWN[name]
    path = put(name, text, 0o666)
    assert str(refused(load)) == f"{path}: others may change it: chmod go-w {path}"


@pytest.mark.parametrize("name", [name for name in OWN if name != "support-policy.toml"])
def test_a_file_that_only_its_owner_may_change_is_read(put: Put, name: str) -> None:
    load, text = OWN[name]
    nothing_set = load()
    put(name, text, 0o600)
    assert load() != nothing_set


@EACH
def test_a_directory_that_others_may_change_is_refused(put: Put, etc: Path, name: str) -> None:
    load, text = OWN[name]
    put(name, text)
    for place in directories(name):
        (etc / place).chmod(0o777)
        error = refused(load)
        assert (error.path, error.fix) == (str(etc / place), f"chmod go-w {etc / place}")
        (etc / place).chmod(0o755)


@BY_ROOT
@EACH
def test_what_belongs_to_somebody_else_is_refused(put: Put, etc: Path, name: str) -> None:
    load, text = OWN[name]
    put(name, text)
    for place in (*directories(name), name):
        os.chown(etc / place, 1234, 1234)
        assert str(refused(load)) == f"{etc / place}: belongs to user 1234: chown root {etc / place}"
        os.chown(etc / place, 0, 0)


@BY_ROOT
@EACH
def test_of_a_link_the_file_at_its_end_counts(etc: Path, tmp_path: Path, name: str) -> None:
    load, text = OWN[name]
    target = tmp_path / "of-somebody-else"
    target.write_text(text)
    os.chown(target, 1234, 1234)
    (etc / name).parent.mkdir(parents=True, exist_ok=True)
    (etc / name).symlink_to(target)
    assert refused(load).why == "belongs to user 1234"


@EACH
def test_a_fifo_is_refused_without_waiting(etc: Path, name: str) -> None:
    (etc / name).parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(etc / name)
    assert refused(OWN[name][0]).why == "expected a regular file"


# Links to nothing


@EACH
def test_a_link_to_nothing_is_not_taken_for_nothing_set(etc: Path, name: str) -> None:
    place = etc / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to("gone.toml")
    error = refused(OWN[name][0])
    assert (error.path, error.fix) == (str(place), f"ls -l {place}")
    assert "a link to something that is not there" in error.why


@EACH
def test_a_directory_that_is_a_link_to_nothing(etc: Path, name: str) -> None:
    place = (etc / name).parent
    place.parent.mkdir(exist_ok=True)
    place.symlink_to("gone")
    assert refused(OWN[name][0]).path == str(place)


def test_sending_is_not_off_because_a_link_leads_nowhere(etc: Path) -> None:
    etc.mkdir()
    (etc / "config.toml").symlink_to("gone.toml")
    assert "not there" in refused(load_sending).why


def test_whether_anything_is_set_is_told_without_an_error(etc: Path) -> None:
    assert not may_have_secrets()
    etc.mkdir()
    (etc / "conf.d").symlink_to("gone")
    assert may_have_secrets()  # what is wrong says who reads it
