"""A bundle's files in one: as tar.gz or zip, the same bytes for the same files; and read again, suspiciously.

Reading takes what writing makes, and nothing else: regular files with plain names, each once. No link,
device, other place, other format or odd name gets further than its header; nothing is unpacked to a disk.
"""

import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import IO, TYPE_CHECKING

from iwx_agent.replay.format import CaptureError

if TYPE_CHECKING:
    import zipfile

TAR, ZIP = "tar.gz", "zip"
MEDIA_TYPES = {TAR: "application/gzip", ZIP: "application/zip"}
ARCHIVE_MAX_BYTES = 256 * 1024 * 1024
MEMBER_MAX_BYTES = 64 * 1024 * 1024
MEMBERS_MAX = 20_000
RATIO_MAX = 200  # of what is unpacked to what was read, above ...
RATIO_FROM_BYTES = 64 * 1024 * 1024  # ... so many bytes: a small log of one line a thousand times is no bomb
_LEVEL = 6
_BLOCK = 512
_GZIP = 31  # zlib's name for: with gzip's header and checksum
_CHUNK_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9._@%+=,~-]{1,100}(?:/[A-Za-z0-9._@%+=,~-]{1,100}){0,63}")
_DIRECTORY_CHARACTERS = 150  # what a tar header has room for before the last part, with a little to spare
_GZIP_MAGIC, _ZIP_MAGIC = b"\x1f\x8b", b"PK"
_PLAIN_MODE = stat.S_IFREG | 0o600
_FIRST_ZIP_YEAR, _LAST_ZIP_YEAR = 1980, 2107


def fits(name: str) -> bool:
    """Return whether a name can stand in a bundle: plain characters, short enough for a tar header."""
    parts = name.split("/")
    plain = _NAME.fullmatch(name) is not None and not {".", ".."} & set(parts)
    return plain and len(name) - len(parts[-1]) <= _DIRECTORY_CHARACTERS


def packed(members: Mapping[str, bytes], kind: str, made_at: datetime) -> bytes:
    """Return the files in one, sorted by name, owned by root, with mode 0600 and one time."""
    return _zip(members, made_at) if kind == ZIP else _tar_gz(members, made_at)


def _tar_gz(members: Mapping[str, bytes], made_at: datetime) -> bytes:
    import tarfile

    press = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)  # its header holds neither a time nor a name
    pieces = []
    for name in sorted(members):
        header = tarfile.TarInfo(name)
        header.size, header.mode, header.mtime = len(members[name]), 0o600, int(made_at.timestamp())
        header.uname = header.gname = "root"
        pieces.append(press.compress(header.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")))
        pieces.append(press.compress(members[name]))
        pieces.append(press.compress(bytes(-len(members[name]) % _BLOCK)))
    pieces += (press.compress(bytes(2 * _BLOCK)), press.flush())
    return b"".join(pieces)


def _zip(members: Mapping[str, bytes], made_at: datetime) -> bytes:
    import zipfile

    at = made_at.astimezone(UTC)
    year = min(max(at.year, _FIRST_ZIP_YEAR), _LAST_ZIP_YEAR)
    into = BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, (year, at.month, at.day, at.hour, at.minute, at.second))
            info.create_system, info.external_attr = 3, _PLAIN_MODE << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, members[name], compresslevel=_LEVEL)
    return into.getvalue()


def unpacked(file: IO[bytes], place: str) -> dict[str, bytes]:
    """Return the files of an archive by name; ``place`` names it in errors.

    Raises:
        CaptureError: for anything that ``packed`` does not write.
    """
    begins = file.read(4)
    file.seek(0)
    if begins.startswith(_GZIP_MAGIC):
        return _gathered(_tar_members(_Unzipped(file, place)), place)
    if begins.startswith(_ZIP_MAGIC):
        return _gathered(_zip_members(file, place), place)
    raise CaptureError(place, "not a bundle: neither tar.gz nor zip (is it encrypted? gpg --decrypt first)")


def _gathered(members: Iterator[tuple[str, bytes]], place: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for name, data in members:
        if name in found:
            raise CaptureError(place, f"refused: {name} is in it twice")
        if len(found) >= MEMBERS_MAX:
            raise CaptureError(place, f"refused: more than {MEMBERS_MAX} files")
        found[name] = data
    return found


class _Unzipped:
    """The bytes of a gzip file, bounded; all checks of gzip are made when its end has been read."""

    def __init__(self, file: IO[bytes], place: str) -> None:
        self.place = place
        self._file = file
        self._press = zlib.decompressobj(_GZIP)
        self._read_bytes = self._given_bytes = 0

    def take(self, size_bytes: int) -> bytes:
        """Return so many bytes, or fewer at the end."""
        taken = bytearray()
        while len(taken) < size_bytes and not self._press.eof:
            at_most = min(size_bytes - len(taken), _CHUNK_BYTES)
            try:
                data = self._press.decompress(self._press.unconsumed_tail, at_most)
                if not data and not self._press.eof:
                    data = self._press.decompress(self._more(), at_most)
            except zlib.error as error:
                raise self.refused(f"damaged: {error}") from None
            taken += data
            self._given_bytes += len(data)
            self._bound()
        return bytes(taken)

    def _more(self) -> bytes:
        raw = self._file.read(_CHUNK_BYTES)
        if not raw:
            raise self.refused("truncated: its end is missing")
        self._read_bytes += len(raw)
        return raw

    def _bound(self) -> None:
        if self._given_bytes > ARCHIVE_MAX_BYTES:
            raise self.refused(f"refused: more than {ARCHIVE_MAX_BYTES} bytes in it")
        if self._given_bytes > RATIO_FROM_BYTES and self._given_bytes > RATIO_MAX * self._read_bytes:
            raise self.refused(f"refused: more than {RATIO_MAX} times as large unpacked")

    def finish(self) -> None:
        """Read on to the end; nothing but zeros may come, and nothing after the gzip data."""
        while data := self.take(_CHUNK_BYTES):
            if data.strip(b"\0"):
                raise self.refused("refused: something after the end of the tar")
        if self._press.unused_data or self._file.read(1):
            raise self.refused("refused: something after the end of the gzip data")

    def refused(self, why: str) -> CaptureError:
        """Return the error for this file."""
        return CaptureError(self.place, why)


def _tar_members(stream: _Unzipped) -> Iterator[tuple[str, bytes]]:
    while True:
        header = stream.take(_BLOCK)
        if len(header) < _BLOCK:
            raise stream.refused("truncated: the end of the tar is missing")
        if not header.strip(b"\0"):
            stream.finish()
            return
        name, size_bytes = _header(header, stream)
        data = stream.take(size_bytes)
        stream.take(-size_bytes % _BLOCK)
        if len(data) < size_bytes:
            raise stream.refused(f"truncated in {name}")
        yield name, data


def _header(header: bytes, stream: _Unzipped) -> tuple[str, int]:
    """Return name and size of a ustar header (POSIX.1-1988) of a regular file."""
    if header[257:265] != b"ustar\x0000":
        raise stream.refused("refused: not a tar as iwx-agent writes it (ustar)")
    if sum(header) - sum(header[148:156]) + 8 * ord(" ") != _octal(header[148:156], stream):
        raise stream.refused("damaged: wrong checksum of a tar header")
    parts = [_text(header[345:500]), _text(header[:100])]
    name = "/".join(part for part in parts if part)
    if header[156:157] not in (b"0", b"\0"):
        raise stream.refused(f"refused: {ascii(name)[:80]} is no regular file (type {header[156:157]!r})")
    if not fits(name):
        raise stream.refused(f"refused: the name {ascii(name)[:80]}")
    size_bytes = _octal(header[124:136], stream)
    if size_bytes > MEMBER_MAX_BYTES:
        raise stream.refused(f"refused: {name} is larger than {MEMBER_MAX_BYTES} bytes")
    return name, size_bytes


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("ascii", "backslashreplace")


def _octal(field: bytes, stream: _Unzipped) -> int:
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]{1,12}", digits):
        raise stream.refused("damaged: a number in a tar header")
    return int(digits, 8)


def _zip_members(file: IO[bytes], place: str) -> Iterator[tuple[str, bytes]]:
    import zipfile

    try:
        with zipfile.ZipFile(file) as archive:
            whole_bytes = 0
            for info in archive.infolist():
                whole_bytes += info.file_size
                _refuse_odd(info, whole_bytes, place)
                with archive.open(info) as member:
                    data = member.read(info.file_size + 1)
                if len(data) != info.file_size:
                    raise CaptureError(place, f"damaged: {info.filename} is longer or shorter than it says")
                yield info.filename, data
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, NotImplementedError) as error:
        raise CaptureError(place, f"damaged: {ascii(str(error))[:200]}") from None


def _refuse_odd(info: "zipfile.ZipInfo", whole_bytes: int, place: str) -> None:
    import zipfile

    name = ascii(info.filename)[:80]
    mode = info.external_attr >> 16
    if not fits(info.filename) or info.orig_filename != info.filename:
        raise CaptureError(place, f"refused: the name {name}")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise CaptureError(place, f"refused: {name} is no regular file")
    if info.flag_bits & 0x1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise CaptureError(place, f"refused: {name} is encrypted or packed in another way")
    if info.file_size > MEMBER_MAX_BYTES or whole_bytes > ARCHIVE_MAX_BYTES:
        raise CaptureError(place, f"refused: {name} is too large, or all is ({ARCHIVE_MAX_BYTES} bytes)")
    if whole_bytes > RATIO_FROM_BYTES and info.file_size > RATIO_MAX * max(info.compress_size, 1):
        raise CaptureError(place, f"refused: {name} is more than {RATIO_MAX} times as large unpacked")
