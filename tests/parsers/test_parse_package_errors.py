"""Messages of yum, dnf and rpm: the kind, the package and the repository; credentials never survive."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import LogLine
from iwx_agent.parsers import package_errors
from iwx_agent.parsers.package_errors import classify, host_of, transfer_kind, without_credentials

LINE = LogLine(text="as quoted", source="dnf.log:7", at=1_795_450_000.0)
FAILED = "Failed to download metadata for repo 'x': Cannot download repomd.xml: All mirrors were tried"


def told(message: str, details: str = "") -> list[tuple[str, str, str]]:
    return [(f.kind, f.package, f.repository) for f in classify(message, LINE, details)]


def test_sample() -> None:
    assert doctest.testmod(package_errors).failed == 0


# Words of curl and librepo, each as it is printed by the program that is named
@pytest.mark.parametrize(
    ("details", "kind"),
    [
        ("Curl error (6): Couldn't resolve host name for http://a.invalid/", "dns"),
        ("Curl error (5): Couldn't resolve proxy name for http://a.invalid/", "dns"),
        ("Curl error (7): Couldn't connect to server for http://a.invalid/", "unreachable"),
        ("Curl error (56): Failure when receiving data from the peer for http://a.invalid/", "unreachable"),
        ("Curl error (28): Timeout was reached for http://a.invalid/", "timeout"),
        ("Curl error (60): SSL peer certificate or SSH remote key was not OK for https://a.invalid/", "tls"),
        ("Curl error (35): SSL connect error for https://a.invalid/", "tls"),
        ("Curl error (37): Couldn't read a file:// file for file:///a", "not_found"),
        (
            "Curl error (23): Failed writing received data to disk/application for http://a.invalid/",
            "disk_full",
        ),
        ("Status code: 404 for http://a.invalid/", "not_found"),
        ("Status code: 410 for http://a.invalid/", "gone"),
        ("Status code: 403 for http://a.invalid/", "http"),
        ("Status code: 503 for http://a.invalid/", "http"),
        ("Downloading successful, but checksum doesn't match. Calculated: a  Expected: b", "metadata"),
        ("Read-only file system", "read_only"),
        ("something nobody has seen", "http"),
        # yum 3
        ('[Errno 14] curl#6 - "Could not resolve host: a.invalid; Unknown error"', "dns"),
        ("[Errno 14] HTTP Error 404 - Not Found", "not_found"),
        ("[Errno 14] HTTP Error 410 - Gone", "gone"),
        ("[Errno 12] Timeout on http://a.invalid/: (28, 'Operation too slow.')", "timeout"),
        ("[Errno 256] No more mirrors to try.", "mirror_list"),
    ],
)
def test_why_a_transfer_failed(details: str, kind: str) -> None:
    assert transfer_kind(details) == kind
    assert told(FAILED, details) == [(kind, "", "x")]


def test_without_details_the_message_itself_decides() -> None:
    assert told(FAILED) == [("mirror_list", "", "x")]
    assert told(FAILED + " repomd.xml parser error: Parse error at line: 5") == [("metadata", "", "x")]


def test_a_list_of_mirrors_counts_as_one_whatever_it_failed_of() -> None:
    prepare = "Failed to download metadata for repo 'base': Cannot prepare internal mirrorlist: "
    assert told(prepare + "Curl error (6): Couldn't resolve host name for http://m.invalid/?a=b") == [
        ("mirror_list", "", "base")
    ]
    assert classify(prepare + "Status code: 404 for http://m.invalid/l", LINE)[0].host == "m.invalid"
    assert told(prepare + "Curl error (23): Failed writing received data") == [("disk_full", "", "base")]


def test_a_repository_without_address_and_one_whose_list_is_gone_read_alike_in_yum_3() -> None:
    nothing = "Cannot find a valid baseurl for repo: base/7/x86_64"
    assert told(nothing) == [("no_address", "", "base")]
    retrieved = 'Could not retrieve mirrorlist http://m.invalid/?release=7 error was\n14: curl#6 - "x"\n'
    assert told(nothing, retrieved) == [("mirror_list", "", "base")]


def test_yum_3_names_the_repository_of_a_file() -> None:
    said = (
        "failure: repodata/repomd.xml from epel: [Errno 256] No more mirrors to try.\nHTTP Error 410 - Gone"
    )
    assert told(said) == [("gone", "", "epel")]


@pytest.mark.parametrize(
    ("message", "rows"),
    [
        ("Public key for a-1-1.el9.noarch.rpm is not installed", [("gpg", "a-1-1.el9.noarch", "")]),
        (
            "Public key for a-1-1.noarch.rpm is not installed. Failing package is: a-1-1.noarch\n GPG",
            [("gpg", "a-1-1.noarch", "")],
        ),
        ("Package a-1-1.el9.noarch.rpm is not signed", [("gpg", "a-1-1.el9.noarch", "")]),
        ("GPG check FAILED", [("gpg", "", "")]),
        (
            "Error downloading packages:\n  a-1-1.noarch: no mirrors\n  b-1-1.noarch: Curl error (23)",
            [("download", "a-1-1.noarch", ""), ("disk_full", "b-1-1.noarch", "")],
        ),
        (
            "Transaction test:\n  file /a from install of x-2-1.noarch conflicts with file from package y",
            [("file_conflict", "x-2-1.noarch", "")],
        ),
        (
            "  installing package a-1-1.noarch needs 34MB more space on the / filesystem",
            [("disk_full", "a-1-1.noarch", "")],
        ),
        ("At least 34MB more space needed\nDisk Requirements:", [("disk_full", "", "")]),
        (
            "\n Problem 1: x\n  - nothing provides z needed by a-1-1.noarch\n Problem 2: both b-1-1.noarch",
            [("dependency", "a-1-1.noarch", ""), ("dependency", "b-1-1.noarch", "")],
        ),
        ("\n Problem: something without a name", [("dependency", "", "")]),
        (
            "Problem: The operation would result in removing the following protected packages: yum, dnf",
            [("dependency", "yum", "")],
        ),
        (
            "The operation would result in removing the following protected packages: systemd",
            [("dependency", "systemd", "")],
        ),
        (
            "Error: Package: interworx-8-1.noarch (interworx-cp)\n           Requires: libx.so.9",
            [("dependency", "interworx-8-1.noarch", "interworx-cp")],
        ),
        ("Error: Package: a-1-1.noarch\n   Requires: b", [("dependency", "a-1-1.noarch", "")]),
        ("Unable to find a match: a b", [("no_match", "a", ""), ("no_match", "b", "")]),
        ("No package vim available.", [("no_match", "vim", "")]),
        ("[Errno 28] No space left on device", [("disk_full", "", "")]),
        ("RPM: error: can't create transaction lock (Read-only file system)", [("read_only", "", "")]),
        ("RPM: error: can't create lock (Resource temporarily unavailable)", [("lock", "", "")]),
        ("Existing lock /var/run/yum.pid: another copy is running as pid 7.", [("lock", "", "")]),
        ("rpmdb open failed", [("rpm_database", "", "")]),
        ("BDB0087 DB_RUNRECOVERY: Fatal error, run database recovery", [("rpm_database", "", "")]),
        ('There are no enabled repositories in "/etc/yum.repos.d"', [("no_address", "", "")]),
        ("Check discovered 3 problem(s)", [("inconsistent", "", "")]),
        ("Could not run transaction.", [("other", "", "")]),
        ("", [("other", "", "")]),
    ],
)
def test_what_a_message_says(message: str, rows: list[tuple[str, str, str]]) -> None:
    assert told(message) == rows


def test_a_package_with_a_wrong_checksum_names_its_repository() -> None:
    said = 'Package "a-1-1.noarch" from local repository "t" has incorrect checksum'
    assert told(said) == [("damaged_package", "a-1-1.noarch", "t")]


def test_the_line_is_handed_on() -> None:
    assert classify("GPG check FAILED", LINE)[0].line is LINE


@pytest.mark.parametrize(
    "text",
    [
        "http://joe:s3cr3t@repo.invalid/x",
        "https://joe:s3cr3t@with@at@repo.invalid/x",
        "https://joe:s3cr3t/with/slash@repo.invalid/x",
        "--setopt=epel.password=s3cr3t",
        "--setopt=main.proxy_password='s3cr3t and more'",
        "password: s3cr3t",
        'Password="s3cr3t word"',
        "https://repo.invalid/x?token=s3cr3t&a=b",
        "username=s3cr3t",
    ],
)
def test_credentials_are_cut_out(text: str) -> None:
    cut = without_credentials(f"see {text} there")
    assert "s3cr3t" not in cut
    assert "joe" not in cut
    assert cut.startswith("see ")
    assert cut.endswith(" there") or "'" in text


def test_an_address_without_credentials_stays() -> None:
    assert without_credentials("http://repo.invalid/a and mail to root@repo.invalid") == (
        "http://repo.invalid/a and mail to root@repo.invalid"
    )


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("for http://repo.invalid:8080/x (IP: 192.0.2.1)", "repo.invalid"),
        ("https://repo.invalid", "repo.invalid"),
        ("file:///srv/x", ""),
        ("", ""),
    ],
)
def test_the_host_of_an_address(text: str, host: str) -> None:
    assert host_of(text) == host


@given(st.text(), st.text())
def test_any_message_has_a_kind(message: str, details: str) -> None:
    assert classify(message, LINE, details)


@given(st.text(alphabet=st.sampled_from("abc:@/ =\n'\"")))
def test_no_text_keeps_what_stands_before_an_at_sign_in_an_address(secret: str) -> None:
    plain = "".join(character for character in secret if character not in " \n'\"<>")
    assert "qqq" not in without_credentials(f"http://qqq{plain}@repo.invalid/")
