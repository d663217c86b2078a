"""A ticket is left as files: whole, once, on a disk or in memory, never through what others put there."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest
from dead_mount import dead_file_system
from letters import ending, kind_of, letter

from iwx_agent.host.workers import Worker, Workers
from iwx_agent.transports.contract import Attachment, CannotLook, NotFound, Receipt, Undelivered
from iwx_agent.transports.file import DIRECTORY, SPARE, FileSettings, FileTransport

pytestmark = pytest.mark.e2e
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


@pytest.fixture
def workers() -> Iterator[Workers]:
    with closing(Workers()) as found:
        yield found


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "lib" / "tickets", tmp_path / "run" / "tickets"


@pytest.fixture
def transport(workers: Workers, places: tuple[Path, Path]) -> FileTransport:
    return FileTransport(workers, FileSettings(directory=str(places[0]), spare=str(places[1])))


def test_all_of_a_ticket_is_there(transport: FileTransport, places: tuple[Path, Path]) -> None:
    found = ending(transport, letter())
    place = places[0] / "IWX-7f3a"
    assert found == Receipt(
        transport="file", reference="IWX-7f3a", url=f"file://{place}/ticket.txt", said="written"
    )
    assert sorted(path.name for path in place.iterdir()) == ["bundle.tar.gz", "ticket.json", "ticket.txt"]
    assert (place / "bundle.tar.gz").read_bytes() == b"\x1f\x8b\x00x"
    assert (place / "ticket.txt").read_bytes() == transport.outgoing(letter())
    kept = msgspec.json.decode((place / "ticket.json").read_bytes())
    assert (kept["key"], kept["ticket"]["priority"]) == ("IWX-7f3a", "Urgent")
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert {path.stat().st_mode & 0o777 for path in (place, places[0], places[0].parent)} == {0o700}
    assert not places[1].exists()


def test_the_same_ticket_is_written_once(transport: FileTransport, places: tuple[Path, Path]) -> None:
    ending(transport, letter())
    found = ending(transport, letter(message="something else"))
    assert isinstance(found, Receipt)
    assert found.said == "was there already"
    assert b"something else" not in (places[0] / "IWX-7f3a" / "ticket.txt").read_bytes()


def test_an_update_is_a_ticket_of_its_own(transport: FileTransport, places: tuple[Path, Path]) -> None:
    for one in (letter(), letter(reference="T-1", message="worse"), letter(reference="T-1", message="over")):
        assert kind_of(ending(transport, one)) == "accepted"
    assert len(list(places[0].iterdir())) == 3


def test_ten_at_once_leave_one_ticket(places: tuple[Path, Path]) -> None:
    said: list[str] = []

    def deliver() -> None:
        with closing(Workers()) as own:
            one = FileTransport(own, FileSettings(directory=str(places[0]), spare=""))
            said.append(one.deliver(letter(), limit_s=20).said)

    threads = [threading.Thread(target=deliver) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["was there already"] * 9 + ["written"]
    assert [path.name for path in places[0].iterdir()] == ["IWX-7f3a"]


def test_names_of_attachments_lead_nowhere(transport: FileTransport, places: tuple[Path, Path]) -> None:
    names = ("../../x", "/etc/passwd", "..", ".hidden", "ticket.txt", "TICKET.JSON", "a\nb", "", "x" * 300)
    attachments = tuple(
        Attachment(name=name, media_type="text/plain", data=name.encode()) for name in (*names, "bundle.zip")
    )
    ending(transport, letter(attachments=attachments))
    found = sorted(path.name for path in (places[0] / "IWX-7f3a").iterdir())
    assert len(found) == len(attachments) + 2
    assert all(path.is_file() for path in (places[0] / "IWX-7f3a").iterdir())
    assert {"x", "passwd", "hidden", "5-ticket.txt", "6-TICKET.JSON", "a_b", "bundle.zip"} <= set(found)
    assert (places[0] / "IWX-7f3a" / "ticket.txt").read_bytes().startswith(b"Category: ")


@pytest.mark.parametrize("key", ["", "..", "a/b", "a\nb", "ä", "x" * 101])
def test_a_key_that_is_no_file_name_gets_one(
    transport: FileTransport, places: tuple[Path, Path], key: str
) -> None:
    found = ending(transport, letter(key=key))
    assert isinstance(found, Receipt)
    assert found.reference.startswith("key-")
    assert [path.name for path in places[0].iterdir()] == [found.reference]
    assert isinstance(transport.look_up(key, limit_s=5), Receipt)


def test_it_looks_up_what_it_has_written(transport: FileTransport, places: tuple[Path, Path]) -> None:
    assert transport.look_up("IWX-7f3a", limit_s=5) == NotFound(said=f"no IWX-7f3a in {places[0]}")
    ending(transport, letter())
    found = transport.look_up("IWX-7f3a", limit_s=5)
    assert found == Receipt(
        transport="file",
        reference="IWX-7f3a",
        url=f"file://{places[0]}/IWX-7f3a/ticket.txt",
        said="is there",
    )


# Where it cannot be written


def test_a_place_that_is_no_directory_is_passed_over_for_the_spare_one(
    transport: FileTransport, places: tuple[Path, Path]
) -> None:
    places[0].parent.mkdir()
    places[0].write_text("somebody's file")
    found = ending(transport, letter())
    assert isinstance(found, Receipt)
    assert found.url == f"file://{places[1]}/IWX-7f3a/ticket.txt"
    assert "in memory until the server is restarted, since" in found.said
    assert "no directory of its own" in found.said
    assert places[0].read_text() == "somebody's file"


def test_what_was_put_into_the_spare_one_is_found(
    transport: FileTransport, places: tuple[Path, Path]
) -> None:
    places[0].parent.mkdir()
    places[0].write_text("somebody's file")
    assert isinstance(transport.look_up("IWX-7f3a", limit_s=5), CannotLook)
    ending(transport, letter())
    assert isinstance(transport.look_up("IWX-7f3a", limit_s=5), Receipt)


def test_a_link_in_its_place_is_not_followed(
    workers: Workers, places: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "else").mkdir(mode=0o700)
    places[0].parent.mkdir()
    places[0].symlink_to(tmp_path / "else")
    found = ending(FileTransport(workers, FileSettings(directory=str(places[0]), spare="")), letter())
    assert isinstance(found, Undelivered)
    assert (found.kind, found.next_step != "") == ("permanent", True)
    assert not list((tmp_path / "else").iterdir())


def test_a_directory_that_others_can_write_to_is_left_alone(
    workers: Workers, places: tuple[Path, Path]
) -> None:
    places[0].mkdir(parents=True)
    places[0].chmod(0o777)
    transport = FileTransport(workers, FileSettings(directory=str(places[0]), spare=""))
    found = ending(transport, letter())
    assert kind_of(found) == "permanent"
    assert "others can write to" in str(found)
    assert isinstance(transport.look_up("IWX-7f3a", limit_s=5), CannotLook)


@pytest.mark.parametrize("kind", ["file", "link", "fifo"])
def test_something_else_of_the_ticket_s_name_is_no_ticket(
    workers: Workers, places: tuple[Path, Path], kind: str
) -> None:
    places[0].mkdir(parents=True, mode=0o700)
    place = places[0] / "IWX-7f3a"
    if kind == "file":
        place.write_text("x")
    elif kind == "link":
        place.symlink_to("/etc")
    else:
        os.mkfifo(place)
    transport = FileTransport(workers, FileSettings(directory=str(places[0]), spare=""))
    assert kind_of(ending(transport, letter())) == "permanent"
    assert isinstance(transport.look_up("IWX-7f3a", limit_s=5), CannotLook)


def test_what_a_killed_run_left_is_no_ticket_and_is_cleared_away(
    transport: FileTransport, places: tuple[Path, Path]
) -> None:
    old, new = places[0] / ".IWX-7f3a.1.part", places[0] / ".IWX-7f3a.2.part"
    for place in (old, new):
        place.mkdir(parents=True, mode=0o700)
        (place / "ticket.txt").write_text("half of a tick")
    places[0].chmod(0o700)
    os.utime(old, (1, 1))
    assert isinstance(transport.look_up("IWX-7f3a", limit_s=5), NotFound)
    assert kind_of(ending(transport, letter())) == "accepted"
    assert not old.exists()
    assert new.exists()  # another run may be writing it now


@pytest.mark.parametrize("directory", ["/proc/none/tickets", "/nowhere/at/all/tickets"])
def test_where_nothing_can_be_written_it_is_tried_again(workers: Workers, directory: str) -> None:
    found = ending(FileTransport(workers, FileSettings(directory=directory, spare="")), letter())
    assert kind_of(found) == "later"
    both = ending(FileTransport(workers, FileSettings(directory=directory, spare=directory)), letter())
    assert kind_of(both) == "later"


@contextmanager
def mounted(path: Path, options: str) -> Iterator[None]:
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=0700,{options}", "tmpfs", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@needs_root
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("size=64k", "No space left on device"),
        ("nr_inodes=2", "No space left on device"),
        ("ro", "Read-only file system"),
    ],
)
def test_on_a_disk_that_takes_nothing_it_is_left_in_memory(
    workers: Workers, tmp_path: Path, options: str, said: str
) -> None:
    directory, spare = tmp_path / "disk" / "lib" / "tickets", tmp_path / "run" / "tickets"
    transport = FileTransport(workers, FileSettings(directory=str(directory), spare=str(spare)))
    attached = Attachment(name="b.zip", media_type="application/zip", data=b"x" * 100_000)
    with mounted(tmp_path / "disk", options):
        found = ending(transport, letter(attachments=(attached,)))
        assert isinstance(found, Receipt)
        assert said in found.said
        assert (spare / "IWX-7f3a" / "b.zip").stat().st_size == 100_000
        assert isinstance(transport.look_up("IWX-7f3a", limit_s=5), Receipt)
        assert not list(directory.glob("*"))  # nothing in part
        alone = FileTransport(workers, FileSettings(directory=str(directory), spare=""))
        assert kind_of(ending(alone, letter(attachments=(attached,)))) == "later"


@needs_root
def test_a_disk_that_never_answers_holds_nobody(workers: Workers, tmp_path: Path) -> None:
    dead, spare = tmp_path / "dead", tmp_path / "run" / "tickets"
    alone = FileTransport(workers, FileSettings(directory=f"{dead}/tickets", spare=""))
    both = FileTransport(workers, FileSettings(directory=f"{dead}/tickets", spare=str(spare)))
    with dead_file_system(dead):
        found = ending(alone, letter(), limit_s=1)
        assert kind_of(found) == "uncertain"
        started = time.monotonic()
        assert isinstance(alone.look_up("IWX-7f3a", limit_s=0.5), CannotLook)
        assert isinstance(both.look_up("IWX-7f3a", limit_s=1), CannotLook)
        assert time.monotonic() - started < 2.5
        found = ending(both, letter(), limit_s=2)
        assert isinstance(found, Receipt)
        assert found.url == f"file://{spare}/IWX-7f3a/ticket.txt"
        assert isinstance(both.look_up("IWX-7f3a", limit_s=1), Receipt)


def test_the_usual_places_are_the_agent_s_own(workers: Workers) -> None:
    """On the real machine nothing is asked here: the paths are the contract with the unit and its sandbox."""
    assert (DIRECTORY, SPARE) == ("/var/lib/iwx-agent/tickets", "/run/iwx-agent/tickets")
    assert FileSettings() == FileSettings(directory=DIRECTORY, spare=SPARE)


def test_who_writes_may_have_written_it_before_it_was_ended(
    workers: Workers, places: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked_and_killed(worker: Worker, message: tuple[object, ...], descriptors: object = ()) -> None:
        if message[0] == "spool":
            os.kill(worker.pid, signal.SIGSTOP)
        send(worker, message, descriptors)
        if message[0] == "spool":
            os.kill(worker.pid, signal.SIGKILL)

    send: Callable[..., None] = Worker.send
    monkeypatch.setattr(Worker, "send", asked_and_killed)
    found = ending(FileTransport(workers, FileSettings(directory=str(places[0]), spare="")), letter())
    assert (kind_of(found), "ended from outside" in str(found)) == ("uncertain", True)
