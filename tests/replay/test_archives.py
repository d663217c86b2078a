"""Bundles as archives: the same bytes for the same files, and what a stranger may put into one."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO

import pytest
from building import AT
from hypothesis import given, settings
from hypothesis import strategies as st

from iwx_agent.replay import CaptureError, archives
from iwx_agent.replay.archives import TAR, ZIP, fits, packed, unpacked

FILES = {"t/b.txt": b"two\n" * 1000, "t/a.txt": b"", "t/deep/er/c": bytes(range(256)) * 3}
both = pytest.mark.parametrize("kind", [TAR, ZIP])


def read(data: bytes) -> dict[str, bytes]:
    return unpacked(BytesIO(data), "x")


def refused(data: bytes, said: str) -> None:
    with pytest.raises(CaptureError, match=said):
        read(data)


@both
def test_what_was_packed_is_unpacked(kind: str) -> None:
    assert read(packed(FILES, kind, AT)) == FILES


@both
def test_the_same_files_are_the_same_bytes_in_whatever_order_they_came(kind: str) -> None:
    backwards = dict(reversed(FILES.items()))
    east = AT.astimezone(timezone(timedelta(hours=9)))
    assert packed(FILES, kind, AT) == packed(backwards, kind, AT) == packed(backwards, kind, east)
    assert packed(FILES, kind, AT) != packed(FILES, kind, AT + timedelta(seconds=2))


def test_a_tar_says_root_0600_and_the_time_of_the_run_and_gzip_neither_name_nor_time() -> None:
    data = packed(FILES, TAR, AT)
    assert data[3:8] == b"\0\0\0\0\0"  # no flags, no time
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(FILES)
    for member in members:
        assert (member.mode, member.uid, member.gid, member.uname, member.gname) == (
            0o600,
            0,
            0,
            "root",
            "root",
        )
        assert member.mtime == AT.timestamp()
        assert member.isreg()


@pytest.mark.parametrize(("year", "told"), [(1970, 1980), (2026, 2026), (9000, 2107)])
def test_a_zip_says_0600_and_the_time_in_the_years_that_it_can(year: int, told: int) -> None:
    with zipfile.ZipFile(BytesIO(packed(FILES, ZIP, datetime(year, 2, 3, 4, 5, 6, tzinfo=UTC)))) as archive:
        for info in archive.infolist():
            assert info.external_attr >> 16 == 0o100600
            assert info.date_time == (told, 2, 3, 4, 5, 6)


@settings(max_examples=50, deadline=None)
@given(
    files=st.dictionaries(
        st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9._-]{0,20}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,20}){0,3}\Z"),
        st.binary(max_size=3000),
        max_size=6,
    ),
    kind=st.sampled_from([TAR, ZIP]),
)
def test_any_plain_files_come_back(files: dict[str, bytes], kind: str) -> None:
    assert read(packed(files, kind, AT)) == files


@pytest.mark.parametrize(
    ("name", "fit"),
    [
        ("t/a", True),
        ("t/" + "a" * 100, True),
        ("t/" + "a" * 101, False),
        ("d" * 99 + "/" + "e" * 49 + "/a", True),  # 150 before the last part
        ("d" * 99 + "/" + "e" * 50 + "/a", False),
        ("/a", False),
        ("", False),
        ("a//b", False),
        ("a/", False),
        ("..", False),
        ("a/../b", False),
        ("./a", False),
        ("a b", False),
        ("a\n", False),
        ("a\0", False),
        ("ä", False),
        ("a\\b", False),
        ("a:b", False),
    ],
)
def test_names_that_fit(name: str, fit: bool) -> None:
    assert fits(name) is fit
    if fit:
        assert read(packed({name: b"x"}, TAR, AT)) == {name: b"x"}


# A stranger's tar


def tar_of(
    name: str = "t/a", data: bytes = b"x", form: int = tarfile.USTAR_FORMAT, **fields: object
) -> bytes:
    into = BytesIO()
    with tarfile.open(fileobj=into, mode="w", format=form) as tar:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        for field, value in fields.items():
            setattr(info, field, value)
        tar.addfile(info, BytesIO(data))
    return into.getvalue()


def gzipped(data: bytes) -> bytes:
    press = zlib.compressobj(6, zlib.DEFLATED, 31)
    return press.compress(data) + press.flush()


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "t/../../a", "t/a\n", "t/\x1b[31m", "t/./a", "t//a"])
def test_a_name_that_leads_out_or_is_odd_is_refused(name: str) -> None:
    refused(gzipped(tar_of(name)), "refused: the name")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE])
def test_a_link_or_device_is_refused(kind: bytes) -> None:
    refused(gzipped(tar_of(data=b"", type=kind, linkname="/etc/passwd")), "is no regular file")


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.DIRTYPE, tarfile.CONTTYPE, b"V", b"\xff"])
def test_so_is_anything_else_that_is_no_file(kind: bytes) -> None:
    refused(gzipped(tar_of(data=b"", type=kind)), "is no regular file")


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_the_other_formats_of_tar_are_refused(form: int) -> None:
    refused(gzipped(tar_of("t/" + "a" * 300, form=form)), "refused: ")


def test_the_same_name_twice_is_refused() -> None:
    one = tar_of()[:1024]
    refused(gzipped(one + one + bytes(1024)), "t/a is in it twice")


def patched(tar: bytes, at: int, value: bytes) -> bytes:
    """Return a tar with bytes of its first header changed and its checksum made right again."""
    header = bytearray(tar[:512])
    header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + tar[512:]


@pytest.mark.parametrize(
    "size", [b"-0000000001\0", b"99999999999\0", b"\x80" + b"\xff" * 11, b"           \0"]
)
def test_a_size_that_is_no_number_is_refused(size: bytes) -> None:
    refused(gzipped(patched(tar_of(), 124, size)), "damaged: a number in a tar header")


def test_a_size_beyond_all_bounds_is_refused_before_it_is_read() -> None:
    refused(gzipped(patched(tar_of(), 124, b"77777777777\0")), "t/a is larger than")


def test_a_size_beyond_the_end_is_truncation() -> None:
    refused(gzipped(patched(tar_of(), 124, b"00000100000\0")), "truncated in t/a")


def test_a_wrong_checksum_of_a_header_is_said() -> None:
    tar = bytearray(tar_of())
    tar[0] ^= 1
    refused(gzipped(bytes(tar)), "wrong checksum of a tar header")


def test_what_follows_the_end_is_refused() -> None:
    refused(gzipped(tar_of() + b"x"), "after the end of the tar")
    refused(gzipped(tar_of()) + b"x", "after the end of the gzip data")
    refused(gzipped(tar_of()) + gzipped(tar_of()), "after the end of the gzip data")


@pytest.mark.parametrize("cut", [5, 15, -9, -1])
def test_a_truncated_file_is_said(cut: int) -> None:
    refused(packed(FILES, TAR, AT)[:cut], "truncated")


def test_a_tar_without_its_end_is_said() -> None:
    refused(gzipped(tar_of()[:1024]), "the end of the tar is missing")
    refused(gzipped(b""), "the end of the tar is missing")


@pytest.mark.parametrize("at", [12, 40, -5])
def test_a_changed_byte_is_noticed(at: int) -> None:
    data = bytearray(packed(FILES, TAR, AT))
    data[at] ^= 0xFF
    with pytest.raises(CaptureError):
        read(bytes(data))


def test_a_bomb_is_refused_by_its_ratio_and_by_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzipped(tar_of(data=bytes(4 * 1024 * 1024)))
    assert len(bomb) < 10_000
    monkeypatch.setattr(archives, "RATIO_FROM_BYTES", 1024 * 1024)
    refused(bomb, "more than 200 times as large")
    monkeypatch.setattr(archives, "RATIO_FROM_BYTES", 1024**3)
    monkeypatch.setattr(archives, "ARCHIVE_MAX_BYTES", 1024 * 1024)
    refused(bomb, "more than 1048576 bytes in it")


def test_a_bomb_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gigabyte of zeros behind the first kilobytes costs no more than what is allowed."""
    taken = 0

    class Counting(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            nonlocal taken
            data = super().read(size)
            taken += len(data)
            return data

    monkeypatch.setattr(archives, "ARCHIVE_MAX_BYTES", 1024 * 1024)
    press = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = (
        press.compress(tar_of())
        + b"".join(press.compress(bytes(1024 * 1024)) for _ in range(400))
        + press.flush()
    )
    with pytest.raises(CaptureError, match="bytes in it"):
        unpacked(Counting(bomb), "x")
    assert taken < len(bomb)


@both
def test_too_many_files_are_refused(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MEMBERS_MAX", 2)
    refused(packed(FILES, kind, AT), "more than 2 files")


# A stranger's zip


def zip_of(
    *names: str, edit: Callable[[zipfile.ZipInfo], None] = lambda _: None, data: bytes = b"x" * 50
) -> bytes:
    into = BytesIO()
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ("t/a",):
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            edit(info)
            archive.writestr(info, data)
    return into.getvalue()


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "t/../a", "t/a\n", "t\\a", "t/", "t/\x1b[31m"])
def test_a_name_in_a_zip_that_leads_out_or_is_odd_is_refused(name: str) -> None:
    refused(zip_of(name), "refused: the name")


def test_a_zip_with_a_link_is_refused() -> None:
    def link(info: zipfile.ZipInfo) -> None:
        info.external_attr = 0o120777 << 16

    refused(zip_of(edit=link), "is no regular file")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_a_name_twice_is_refused() -> None:
    refused(zip_of("t/a", "t/a"), "in it twice")


@pytest.mark.parametrize("kind", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_packed_in_another_way_is_refused(kind: int) -> None:
    def other(info: zipfile.ZipInfo) -> None:
        info.compress_type = kind

    refused(zip_of(edit=other), "packed in another way")


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zip_of())
    for at in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[at] |= 1
    refused(bytes(data), "encrypted")


def test_a_zip_that_lies_about_a_size_is_refused() -> None:
    """The directory says 10 bytes where there are 50: no more than these are unpacked, and it is noticed."""
    data = bytearray(zip_of())
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    with pytest.raises(CaptureError, match="damaged"):
        read(bytes(data))
    data[at : at + 4] = struct.pack("<I", 99)
    with pytest.raises(CaptureError, match="damaged"):
        read(bytes(data))


def test_a_zip_bomb_is_refused_by_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zip_of(data=bytes(4 * 1024 * 1024))
    monkeypatch.setattr(archives, "RATIO_FROM_BYTES", 1024 * 1024)
    refused(bomb, "more than 200 times as large")
    monkeypatch.setattr(archives, "MEMBER_MAX_BYTES", 1024 * 1024)
    refused(bomb, "too large")


@pytest.mark.parametrize("cut", [10, 60, -1])
def test_a_truncated_zip_is_said(cut: int) -> None:
    refused(zip_of("t/a", "t/b")[:cut], "damaged")


@pytest.mark.parametrize("data", [b"", b"x", b"\x85\x02\x0c\x03", b"BZh91AY", b"\x7fELF"])
def test_what_is_neither_is_said(data: bytes) -> None:
    refused(data, "neither tar.gz nor zip")


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=120), at=st.integers(0, 400), kind=st.sampled_from([TAR, ZIP]))
def test_any_damage_is_an_error_or_no_damage(noise: bytes, at: int, kind: str) -> None:
    data = packed({"t/a": b"hello" * 40, "t/b": b"x"}, kind, AT)
    hurt = data[:at] + noise + data[at + len(noise) :]
    try:
        found = read(hurt)
    except CaptureError:
        return
    assert set(found) <= {"t/a", "t/b"} or kind == ZIP


@settings(max_examples=200, deadline=None)
@given(noise=st.binary(max_size=600))
def test_any_bytes_as_a_tar_are_an_error(noise: bytes) -> None:
    with pytest.raises(CaptureError):
        read(gzipped(noise + b"x"))


def test_reading_takes_any_way_of_giving_bytes() -> None:
    assert unpacked(io.BufferedReader(io.BytesIO(packed(FILES, TAR, AT))), "x") == FILES
