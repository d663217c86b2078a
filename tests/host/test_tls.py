"""The TLS of what leaves this machine: nothing of the environment has a say in whom it trusts."""

import ssl
from pathlib import Path

import pytest
from certificates import AUTHORITY

from iwx_agent.host.tls import verifying_context

DER = ssl.PEM_cert_to_DER_cert(AUTHORITY)


def built_with(monkeypatch: pytest.MonkeyPatch, file: Path, directory: Path) -> None:
    paths = ssl.DefaultVerifyPaths("", "", "SSL_CERT_FILE", str(file), "SSL_CERT_DIR", str(directory))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)


@pytest.mark.parametrize("authorities", [False, True])
def test_the_environment_neither_listens_nor_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, authorities: bool
) -> None:
    pem = tmp_path / "of-somebody.pem"
    pem.write_text(AUTHORITY)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    context = verifying_context(str(pem) if authorities else "")
    assert not (tmp_path / "keys").exists()
    assert getattr(context, "keylog_filename", None) is None
    assert (DER in context.get_ca_certs(binary_form=True)) == authorities


def test_it_verifies_certificate_and_name() -> None:
    context = verifying_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_the_system_s_authorities_are_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pem = tmp_path / "cert.pem"
    pem.write_text(AUTHORITY)
    built_with(monkeypatch, pem, tmp_path / "gone")
    assert verifying_context().get_ca_certs(binary_form=True) == [DER]


def test_without_any_authority_nothing_is_trusted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for file in ("gone.pem", "empty.pem"):
        built_with(monkeypatch, tmp_path / file, tmp_path / "gone")
        assert verifying_context().get_ca_certs() == []
