"""Certificates for tests, made by openssl when they are needed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


@dataclass(frozen=True, slots=True)
class Pair:
    """PEM files with a certificate and its key."""

    certificate: Path
    key: Path


def self_signed(folder: Path, name: str) -> Pair:
    """A certificate that is its own authority."""
    pair = Pair(folder / f"{name}.crt", folder / f"{name}.key")
    _openssl("req", "-x509", *KEY, "-keyout", pair.key, *_named(name), "-days", "2", "-out", pair.certificate)
    return pair


def signed(folder: Path, name: str, authority: Pair) -> Pair:
    """A certificate that `authority` has signed."""
    pair, request = Pair(folder / f"{name}.crt", folder / f"{name}.key"), folder / f"{name}.csr"
    _openssl("req", *KEY, "-keyout", pair.key, *_named(name), "-out", request)
    by = ("-CA", authority.certificate, "-CAkey", authority.key, "-CAcreateserial", "-copy_extensions", "copy")
    _openssl("x509", "-req", "-in", request, *by, "-days", "2", "-out", pair.certificate)
    return pair


def encrypted(folder: Path, pair: Pair) -> Path:
    """The key, with a password."""
    path = folder / "encrypted.key"
    _openssl("pkey", "-in", pair.key, "-aes128", "-passout", "pass:secret", "-out", path)
    return path


def _named(name: str) -> tuple[str, ...]:
    return ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")


def _openssl(*words: str | Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
