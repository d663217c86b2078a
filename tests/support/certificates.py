"""A certificate for ``localhost`` and the authority that has signed it, made anew for a test run."""

import subprocess
from pathlib import Path
from typing import NamedTuple

# Of an authority whose key nobody has: openssl req -x509 -newkey ec -days 36500 -keyout /dev/null
AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBjzCCATWgAwIBAgIUF3XW1idiAOPt8dBquxERGU9h/powCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRYXV0aG9yaXR5LmludmFsaWQwIBcNMjYxMTI1MTQ1OTIxWhgP
MjEyNjExMDExNDU5MjFaMBwxGjAYBgNVBAMMEWF1dGhvcml0eS5pbnZhbGlkMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEE3lj1cigNrW6W3szaNryy112Ed2agkPy
AEbR54RL/IlSVJ971VnYma/6FVe0PsO1yqM+sggzw+naPC6/q10XQqNTMFEwHQYD
VR0OBBYEFOe3AraaBhQEJI3xn6XIS55H901eMB8GA1UdIwQYMBaAFOe3AraaBhQE
JI3xn6XIS55H901eMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIh
AInFrCvocqb2LUT3k6HDGXM7QNjJ8zDN8FMWvIY6DDq/AiBTyHgQM4pc2UdAwufr
YcnZ7HBVusNUK9YWa501uaehCA==
-----END CERTIFICATE-----
"""


class Identity(NamedTuple):
    """A key with its certificate in one PEM file, and the certificate of who has signed it."""

    pem: Path
    authority: Path


def made_identity(place: Path) -> Identity:
    """Make both in a directory."""
    make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    _openssl(place, f"{make} -subj /CN=authority -keyout ca.key -out ca.pem")
    names = "-addext subjectAltName=DNS:localhost"
    signed = "-CA ca.pem -CAkey ca.key"
    _openssl(place, f"{make} -subj /CN=localhost {names} {signed} -keyout own.key -out own.pem")
    pem = place / "identity.pem"
    pem.write_bytes((place / "own.key").read_bytes() + (place / "own.pem").read_bytes())
    return Identity(pem, place / "ca.pem")


def _openssl(place: Path, arguments: str) -> None:
    subprocess.run(["openssl", *arguments.split()], cwd=place, check=True, capture_output=True)
