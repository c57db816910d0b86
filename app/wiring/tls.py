"""Reads the certificates that the settings name. What does not fit is said in one sentence, before anything listens."""

import ssl
from dataclasses import dataclass
from pathlib import Path

import grpc

from app.config import Settings, SettingsError


@dataclass(frozen=True, slots=True)
class Identity:
    """What a server shows, and whom it admits.

    certificate: a PEM file with the certificate, and those between it and its authority.
    key: a PEM file with the private key.
    client_ca: a PEM file with the authorities of clients; None admits clients without a certificate.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


def server_identity(settings: Settings) -> Identity | None:
    """None if the settings name no certificate. Raise `SettingsError` for a file that is missing or does not fit."""
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    identity = Identity(settings.tls_certificate, settings.tls_key, settings.grpc_client_ca)
    named = {"TLS_CERTIFICATE": identity.certificate, "TLS_KEY": identity.key, "GRPC_CLIENT_CA": identity.client_ca}
    for name, path in named.items():
        if path is not None:
            _check_readable(name, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _check_authorities(context, "TLS_CERTIFICATE", identity.certificate)
    if identity.client_ca is not None:
        _check_authorities(context, "GRPC_CLIENT_CA", identity.client_ca)
    _check_pair(context, identity)
    return identity


def grpc_credentials(identity: Identity | None) -> grpc.ServerCredentials | None:
    if identity is None:
        return None
    pair = (identity.key.read_bytes(), identity.certificate.read_bytes())
    client_ca = None if identity.client_ca is None else identity.client_ca.read_bytes()
    return grpc.ssl_server_credentials([pair], client_ca, require_client_auth=client_ca is not None)


def _check_readable(name: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name} {str(path)!r} cannot be read: {error.strerror}") from None


def _check_authorities(context: ssl.SSLContext, name: str, path: Path) -> None:
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise SettingsError(f"{name} {str(path)!r} has no certificate in PEM form") from None


def _check_pair(context: ssl.SSLContext, identity: Identity) -> None:
    try:
        context.load_cert_chain(identity.certificate, identity.key, password=_no_password)
    except SettingsError:
        raise SettingsError(f"TLS_KEY {str(identity.key)!r} is encrypted; give a key without a password") from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise SettingsError(
                f"TLS_KEY {str(identity.key)!r} does not belong to TLS_CERTIFICATE {str(identity.certificate)!r}"
            ) from None
        raise SettingsError(f"TLS_KEY {str(identity.key)!r} has no private key in PEM form") from None


def _no_password() -> str:
    """Without this, OpenSSL would ask for it on the terminal."""
    raise SettingsError
