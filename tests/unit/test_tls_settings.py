"""Certificates that cannot be used are found at the start, and said in one sentence."""

from pathlib import Path

import pytest

from app.config import Settings, SettingsError, load_settings
from app.wiring.tls import Identity, grpc_credentials, server_identity
from tests.support.certificates import Pair, encrypted, self_signed


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def pair(folder: Path) -> Pair:
    return self_signed(folder, "flows.example")


def settings(**names: Path | None) -> Settings:
    return Settings(_env_file=None, **names)


def refusal(**names: Path | None) -> str:
    with pytest.raises(SettingsError) as caught:
        server_identity(settings(**names))
    return str(caught.value)


def test_without_a_certificate_there_is_no_tls():
    assert server_identity(settings()) is None
    assert grpc_credentials(None) is None


def test_a_certificate_with_its_key(pair: Pair):
    found = server_identity(settings(tls_certificate=pair.certificate, tls_key=pair.key))
    assert found == Identity(pair.certificate, pair.key)
    assert grpc_credentials(found) is not None


def test_files_that_are_missing(folder: Path, pair: Pair):
    none = folder / "none.pem"
    assert refusal(tls_certificate=none, tls_key=pair.key) == (
        f"TLS_CERTIFICATE '{none}' cannot be read: No such file or directory"
    )
    assert refusal(tls_certificate=pair.certificate, tls_key=none).startswith(f"TLS_KEY '{none}' cannot be read: ")
    own = {"tls_certificate": pair.certificate, "tls_key": pair.key}
    assert refusal(**own, grpc_client_ca=folder).startswith(f"GRPC_CLIENT_CA '{folder}' cannot be read: Is a directory")


def test_files_with_something_else(folder: Path, pair: Pair):
    text = folder / "text.pem"
    text.write_text("nothing of this kind")
    assert refusal(tls_certificate=text, tls_key=pair.key) == f"TLS_CERTIFICATE '{text}' has no certificate in PEM form"
    assert refusal(tls_certificate=pair.certificate, tls_key=text) == f"TLS_KEY '{text}' has no private key in PEM form"
    own = {"tls_certificate": pair.certificate, "tls_key": pair.key}
    assert refusal(**own, grpc_client_ca=text) == f"GRPC_CLIENT_CA '{text}' has no certificate in PEM form"


def test_a_key_that_does_not_fit(folder: Path, pair: Pair):
    other = self_signed(folder, "other.example")
    assert refusal(tls_certificate=pair.certificate, tls_key=other.key) == (
        f"TLS_KEY '{other.key}' does not belong to TLS_CERTIFICATE '{pair.certificate}'"
    )
    locked = encrypted(folder, pair)
    assert refusal(tls_certificate=pair.certificate, tls_key=locked) == (
        f"TLS_KEY '{locked}' is encrypted; give a key without a password"
    )


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"TLS_CERTIFICATE": "a"}, "TLS_CERTIFICATE and TLS_KEY belong together: set both, or none"),
        ({"TLS_KEY": "a"}, "TLS_CERTIFICATE and TLS_KEY belong together: set both, or none"),
        ({"GRPC_CLIENT_CA": "a"}, "GRPC_CLIENT_CA needs TLS_CERTIFICATE and TLS_KEY"),
    ],
)
def test_settings_that_belong_together(monkeypatch, tmp_path, names: dict[str, str], sentence: str):
    monkeypatch.chdir(tmp_path)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert str(caught.value) == sentence
