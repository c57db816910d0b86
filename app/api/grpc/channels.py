"""Opens channels to a server, with TLS if its address begins with `https://`. `tls_files` says what is trusted then."""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from app.api.grpc.tls_files import CA, CERTIFICATE, KEY, SECURE, file_of, trusting
from app.domain.host_names import is_local

SECONDS = 2.0

Options = Sequence[tuple[str, str | int]]


class Secured(NamedTuple):
    """How to open a channel with TLS.

    target: `host:port`.
    credentials: what is trusted and shown.
    options: of the channel.
    """

    target: str
    credentials: grpc.ChannelCredentials
    options: Options


def open_channel(address: str, options: Options = ()) -> grpc.Channel:
    """A channel to `host:port`, or to `https://host:port` with TLS. Raise OSError for a file that cannot be used."""
    if (secured := _secured(address)) is None:
        return grpc.insecure_channel(address, options=options)
    return grpc.secure_channel(secured.target, secured.credentials, options=(*options, *secured.options))


def open_async_channel(address: str, options: Options = ()) -> "grpc.aio.Channel":
    """As `open_channel`, for asyncio."""
    if (secured := _secured(address)) is None:
        return grpc.aio.insecure_channel(address, options=options)
    return grpc.aio.secure_channel(secured.target, secured.credentials, options=(*options, *secured.options))


def _secured(address: str) -> Secured | None:
    if not address.startswith(SECURE):
        return None
    target = address.removeprefix(SECURE).rstrip("/")
    host, _, port = target.rpartition(":")
    credentials = grpc.ssl_channel_credentials(_bytes(CA), _bytes(KEY), _bytes(CERTIFICATE))
    name = _name_shown(host.strip("[]"), int(port)) if is_local(host.strip("[]")) else None
    return Secured(target, credentials, () if name is None else (("grpc.ssl_target_name_override", name),))


def _name_shown(host: str, port: int) -> str | None:
    """A name in the trusted certificate of a server on this machine; None if the host's own name is to be checked, or
    if the server cannot be reached, which gRPC then finds itself. gRPC has no way to skip the check of the name.
    """
    context = trusting(host)
    if context.check_hostname:
        return None
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection((host, port), SECONDS) as plain, context.wrap_socket(plain) as secure:
            shown: Any = secure.getpeercert() or {}
    except OSError:
        return None
    names = [value for kind, value in shown.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    common = [value for part in shown.get("subject", ()) for kind, value in part if kind == "commonName"]
    return next((str(name).replace("*", "any") for name in (*names, *common)), None)


def _bytes(variable: str) -> bytes | None:
    path = file_of(variable)
    return None if path is None else Path(path).read_bytes()
