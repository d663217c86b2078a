"""A certificate for ``localhost`` and the authority that has signed it, made anew for a test run."""

import subprocess
from pathlib import Path
from typing import NamedTuple


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
