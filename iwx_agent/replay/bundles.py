"""What is in a bundle, said in its manifest; and a bundle read back, each file held against that."""

import hashlib
import os
import stat
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from iwx_agent.replay.archives import ARCHIVE_MAX_BYTES, unpacked
from iwx_agent.replay.format import CaptureError
from iwx_agent.replay.trees import MemoryTree

BUNDLE_FORMAT = 1
MANIFEST = "manifest.json"
CAPTURE = "capture/"
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class BundleFile(Struct, frozen=True, kw_only=True):
    """One file of a bundle. ``source`` is where it is from: a path of the machine, or what the agent made.

    ``truncated``: the machine had more than is here. ``redactions``: how often something was hidden in it.
    """

    name: str
    sha256: str
    size_bytes: int
    source: str
    truncated: bool = False
    redactions: int = 0


class BundleCommand(Struct, frozen=True, kw_only=True):
    """One command that was run: its output is among the answers of the capture.

    ``exit_code`` is null for one that was ended or could not be started; ``error`` says why it could not.
    ``started_at`` is null when it is not known. Times are those of the machine's clock.
    """

    argv: tuple[str, ...]
    exit_code: int | None
    started_at: datetime | None
    duration_s: float | None
    truncated: bool = False
    timed_out: bool = False
    redactions: int = 0
    error: str = ""


class LeftOut(Struct, frozen=True, kw_only=True):
    """One answer that the bundle had no room for: the replay says that it was not captured."""

    kind: str
    source: str
    size_bytes: int


class BundleManifest(Struct, frozen=True, kw_only=True):
    """``manifest.json``: what a bundle is, and each file in it but itself."""

    format: int
    agent_version: str
    host: str
    created_at: datetime
    size_limit_bytes: int
    note: str = ""
    files: tuple[BundleFile, ...] = ()
    commands: tuple[BundleCommand, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


class Bundle(Struct, frozen=True, kw_only=True):
    """A bundle that was read and held against its manifest; ``files`` by name below the directory on top."""

    manifest: BundleManifest
    files: dict[str, bytes]
    capture: MemoryTree


def manifest_schema() -> bytes:
    """Return the JSON schema of ``manifest.json``: draft 2020-12, from the types."""
    schema = msgspec.json.schema(BundleManifest)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "iwx-agent bundle manifest, format 1",
        **schema,
    }
    return msgspec.json.format(msgspec.json.encode(schema), indent=2) + b"\n"


def read_bundle(place: Path) -> Bundle:
    """Return a bundle file read into memory; nothing is unpacked to a disk.

    Raises:
        CaptureError: for a file that is no bundle, is damaged, or is not what its manifest says.
    """
    try:
        number = os.open(place, _FLAGS)
    except OSError as error:
        raise CaptureError(str(place), error.strerror or str(error)) from None
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode) or status.st_size > ARCHIVE_MAX_BYTES:
        os.close(number)
        raise CaptureError(str(place), f"not a regular file of at most {ARCHIVE_MAX_BYTES} bytes")
    with os.fdopen(number, "rb") as file:
        members = unpacked(file, str(place))
    return _held_against_manifest(members, str(place))


def _held_against_manifest(members: dict[str, bytes], place: str) -> Bundle:
    tops = {name.partition("/")[0] for name in members}
    if len(tops) != 1 or any("/" not in name for name in members):
        raise CaptureError(place, "not a bundle: expected one directory with everything in it")
    files = {name.partition("/")[2]: data for name, data in members.items()}
    manifest = _manifest(files.pop(MANIFEST, None), f"{place}: {MANIFEST}")
    told = {file.name: file for file in manifest.files}
    if len(told) != len(manifest.files):
        raise CaptureError(place, f"{MANIFEST} names a file twice")
    if told.keys() != files.keys():
        odd = min(told.keys() ^ files.keys())
        where = "is not in it, though" if odd in told else "is in it, and not in"
        raise CaptureError(place, f"{odd} {where} {MANIFEST}")
    for name, data in files.items():
        if hashlib.sha256(data).hexdigest() != told[name].sha256 or len(data) != told[name].size_bytes:
            raise CaptureError(place, f"{name} is not what {MANIFEST} says: it was changed or damaged")
    own = {name.removeprefix(CAPTURE): data for name, data in files.items() if name.startswith(CAPTURE)}
    return Bundle(manifest=manifest, files=files, capture=MemoryTree(f"{place}: {CAPTURE[:-1]}", own))


def _manifest(data: bytes | None, place: str) -> BundleManifest:
    if data is None:
        raise CaptureError(place, "not a bundle: there is none")
    try:
        plain = msgspec.json.decode(data)
        if isinstance(plain, dict) and plain.get("format") != BUNDLE_FORMAT:
            told = f"format {plain.get('format')!r}; this agent reads format {BUNDLE_FORMAT}"
            raise CaptureError(place, told[:200])
        return msgspec.convert(plain, BundleManifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaptureError(place, str(error)) from None
