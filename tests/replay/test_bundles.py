"""A bundle read back: each file held against the manifest, the capture in it answering as it did."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from building import AT, make_capture
from fakes import content
from redacting import redactor

from iwx_agent.app.redacted_capture import files_of, redacted_capture
from iwx_agent.host import HostError, ReadFile
from iwx_agent.replay import CaptureError, CaptureInfo, open_capture
from iwx_agent.replay.archives import TAR, ZIP, packed
from iwx_agent.replay.bundles import BundleManifest, manifest_schema, read_bundle
from iwx_agent.replay.trees import DirectoryTree, MemoryTree, Tree

INFO = CaptureInfo(format=1, host="iwx1", taken_at=AT, agent_version="0.1.0", source="a test")


def files() -> dict[str, bytes]:
    heard: list[Any] = [(ReadFile(path="/etc/x"), content("x\n"))]
    capture = files_of(redacted_capture(INFO, heard, redactor()), redactor())
    return {"ticket.txt": b"t\n"} | {f"capture/{name}": data for name, data in capture.items()}


def manifest(of: dict[str, bytes], **more: Any) -> bytes:
    told = [
        {"name": name, "sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data), "source": "x"}
        for name, data in of.items()
    ]
    whole: dict[str, Any] = {
        "format": 1,
        "agent_version": "0.1.0",
        "host": "iwx1",
        "created_at": "2026-11-23T15:26:40Z",
        "size_limit_bytes": 1000,
        "files": told,
    }
    return json.dumps(whole | more).encode()


def put(
    place: Path, of: dict[str, bytes], told: bytes | None = None, *, kind: str = TAR, top: str = "t/"
) -> Path:
    whole = of if told == b"" else of | {"manifest.json": told or manifest(of)}
    place.write_bytes(packed({f"{top}{name}": data for name, data in whole.items()}, kind, AT))
    return place


@pytest.mark.parametrize("kind", [TAR, ZIP])
def test_a_bundle_answers_as_its_capture(tmp_path: Path, kind: str) -> None:
    place = put(tmp_path / "bundle", files(), kind=kind)
    assert read_bundle(place).files["ticket.txt"] == b"t\n"
    assert read_bundle(place).manifest.host == "iwx1"
    replay = open_capture(place)
    assert replay.read("/etc/x").data == b"x\n"
    assert replay.info.redacted
    assert os.listdir(tmp_path) == ["bundle"]  # noqa: PTH208 - nothing was unpacked


def test_an_unpacked_bundle_answers_too_and_a_capture_beside_a_directory_of_that_name(tmp_path: Path) -> None:
    for name, data in files().items():
        (tmp_path / "u" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "u" / name).write_bytes(data)
    assert open_capture(tmp_path / "u").read("/etc/x").data == b"x\n"
    make_capture(
        tmp_path / "u",
        {"question": {"kind": "read", "path": "/y"}, "error": {"kind": "failed", "reason": "own"}},
    )
    with pytest.raises(HostError, match="own"):
        open_capture(tmp_path / "u").read("/y")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda of: of.pop("ticket.txt"), "ticket.txt is not in it, though"),
        (lambda of: of.update({"more.txt": b""}), "more.txt is in it, and not in"),
        (lambda of: of.update({"ticket.txt": b"T\n"}), "ticket.txt is not what manifest.json says"),
        (lambda of: of.update({"ticket.txt": b"t\n\n"}), "ticket.txt is not what manifest.json says"),
    ],
)
def test_what_is_not_as_the_manifest_says_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    of = files()
    told = manifest(of)
    change(of)
    with pytest.raises(CaptureError, match=said):
        open_capture(put(tmp_path / "b", of, told))


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (b"", "not a bundle: there is none"),
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b"{}", "format None; this agent reads format 1"),
        (b'{"format": 2}', "format 2; this agent reads format 1"),
        (b'{"format": "' + b"x" * 500 + b'"}', "format 'x"),
        (b'{"format": 1}', "missing required field"),
        (b"[" * 100_000, "recursion|truncated|depth"),
    ],
)
def test_a_manifest_that_is_none_or_of_another_format(tmp_path: Path, told: bytes, said: str) -> None:
    place = put(tmp_path / "b", files(), told)
    with pytest.raises(CaptureError, match=said) as raised:
        open_capture(place)
    assert len(str(raised.value)) < 400 + len(str(tmp_path))


def test_a_manifest_that_names_a_file_twice(tmp_path: Path) -> None:
    of = files()
    told = json.loads(manifest(of))
    told["files"].append(told["files"][0])
    with pytest.raises(CaptureError, match="names a file twice"):
        open_capture(put(tmp_path / "b", of, json.dumps(told).encode()))


@pytest.mark.parametrize("top", ["", "t/u/"])
def test_more_than_one_directory_or_none_is_no_bundle(tmp_path: Path, top: str) -> None:
    with pytest.raises(CaptureError, match=r"not a bundle|there is none"):
        open_capture(put(tmp_path / "b", files(), top=top))


def test_a_bundle_without_a_capture_and_one_whose_capture_wants_a_neighbour(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match=r"capture/capture\.json: not a capture"):
        open_capture(put(tmp_path / "b", {"ticket.txt": b""}))
    of = files()
    plain = json.loads(of["capture/capture.json"])
    of["capture/capture.json"] = json.dumps(plain | {"base": "healthy"}).encode()
    with pytest.raises(CaptureError, match="base: a capture in a bundle has none"):
        open_capture(put(tmp_path / "c", of))


def test_a_link_a_fifo_or_too_large_a_file_is_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = put(tmp_path / "b", files())
    (tmp_path / "link").symlink_to(place)
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo", "nowhere", "."):
        with pytest.raises(CaptureError):
            read_bundle(tmp_path / name)
    monkeypatch.setattr("iwx_agent.replay.bundles.ARCHIVE_MAX_BYTES", 10)
    with pytest.raises(CaptureError, match="at most 10 bytes"):
        open_capture(place)


def test_the_schema_that_is_checked_in_is_that_of_the_types() -> None:
    import jsonschema  # type: ignore[import-untyped]

    import iwx_agent

    checked_in = Path(iwx_agent.__file__).parent / "schemas" / "bundle-manifest-v1.json"
    assert checked_in.read_bytes() == manifest_schema()
    told = msgspec.json.decode(manifest(files()), type=BundleManifest)
    jsonschema.validate(json.loads(msgspec.json.encode(told)), json.loads(manifest_schema()))


def test_a_capture_in_memory_answers_as_one_in_a_directory(tmp_path: Path) -> None:
    of = {"capture.json": b"{}", "files/a/b": b"12", "files/a/c/d": b"", "files/e": b"3"}
    for name, data in of.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    trees: list[Tree] = [DirectoryTree(tmp_path), MemoryTree("x", of)]
    for tree in trees:
        tree.refuse_irregular()
        assert tree.own("capture.json") == b"{}"
        assert tree.own("manifest.jsonl") is None
        assert [tree.data(path) for path in ("/a/b", "/e", "/nothing")] == [b"12", b"3", None]
        assert [tree.kind(path) for path in ("/a", "/a/b", "/no", "/")] == [
            ("directory", 4096),
            ("file", 2),
            (None, 0),
            ("directory", 4096),
        ]
        assert sorted(tree.names("/a")) == [("b", "file", 2), ("c", "directory", 4096)]
        assert tree.names("/e") == []
        with pytest.raises(HostError, match="is a directory"):
            tree.data("/a")
