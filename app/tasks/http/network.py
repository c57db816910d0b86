"""How `http` tasks connect: only to an address that was checked.

The check is between name resolution and the socket, so that it covers redirects, unusual spellings of addresses, and
names whose resolution changes. TLS and the Host header use the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import httpx

from app.domain.callers import DEFAULT_TENANT
from app.domain.handlers import TaskError
from app.tasks.http.addresses import closed_kind, is_of_this_machine
from app.tasks.http.socket_stream import SocketStream
from app.tasks.http.urls import host_of
from app.tasks.task_type import HttpOptions

CONNECT_SECONDS = 10.0
MAX_ADDRESSES = 4


class Origin(NamedTuple):
    """The server of a connection.

    host: as it is resolved; an IPv6 address without brackets.
    port: the default port if the URL has none.
    is_secure: whether TLS is used.
    tenant: the key of the tenant that calls it. The address is checked when a connection is opened, so no other tenant
        gets that connection.
    may_be_own: whether it may be this service itself. Connections with and without this right are not shared.
    """

    host: str
    port: int
    is_secure: bool
    tenant: str
    may_be_own: bool = False


OWN_API = "own_api"
"""The extension of a request that may call this service itself. A redirect does not have it."""


def origin_of(request: httpx.Request, tenant: str) -> Origin:
    url, may_be_own = request.url, bool(request.extensions.get(OWN_API))
    is_secure = url.scheme == "https"
    return Origin(host_of(url), url.port or (443 if is_secure else 80), is_secure, tenant, may_be_own)


Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
MakeTls = Callable[[], ssl.SSLContext]
Dial = Callable[[str, int, ssl.SSLContext | None, str], Awaitable[SocketStream]]
"""Connects to an address and a port, with TLS if a context is given, for the host name in the certificate. Raises
OSError.
"""


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host in the order in which to try them. Raise OSError or UnicodeError if it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def system_dial(address: str, port: int, tls: ssl.SSLContext | None, name: str) -> SocketStream:
    loop = asyncio.get_running_loop()
    server_name = name.rstrip(".") if tls is not None else None
    _, stream = await loop.create_connection(SocketStream, address, port, ssl=tls, server_hostname=server_name)
    return stream


class GuardedNetwork:
    """Connects to public addresses, and to others if the tenant has the right; otherwise raises a final `TaskError`."""

    def __init__(
        self,
        options: HttpOptions,
        resolve: Resolve = system_resolve,
        make_tls: MakeTls = httpx.create_ssl_context,
        dial: Dial = system_dial,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        self._options = options
        self._resolve = resolve
        self._make_tls = make_tls
        self._dial = dial
        self._seconds = connect_seconds
        self._tls: ssl.SSLContext | None = None

    async def connect(self, origin: Origin) -> SocketStream:
        """Resolution and connecting take at most `connect_seconds` each. Raise `httpx.TransportError`, `TaskError`."""
        addresses = await self._addresses(origin.host, origin.port)
        self._check(origin, addresses)
        return await self._dial_one(origin, addresses[:MAX_ADDRESSES])

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        try:
            async with asyncio.timeout(self._seconds):
                return await self._resolve(host, port)
        except TimeoutError:
            raise httpx.ConnectTimeout(f"{host} did not resolve in time") from None
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} does not resolve: {error}") from error

    def _check(self, origin: Origin, addresses: Sequence[str]) -> None:
        """Raise `TaskError` unless every address is allowed: a name that resolves to both kinds is refused."""
        place, rights = _place(origin), self._options.rights_of(origin.tenant)
        hosts = rights.allowed_hosts
        if place in hosts:
            return
        if origin.port in self._options.own_ports and any(map(is_of_this_machine, addresses)):
            if not origin.may_be_own:
                raise _refused_own(place, origin.tenant)
            return
        if rights.allow_private or not hosts.isdisjoint({origin.host, place.rpartition(":")[0]}):
            return
        for address in addresses:
            if (kind := closed_kind(address)) is not None:
                raise _refused(origin, address, kind)

    async def _dial_one(self, origin: Origin, addresses: Sequence[str]) -> SocketStream:
        """Connect to the first address that accepts; each gets a share of the time."""
        tls = self._secured() if origin.is_secure else None
        failure: httpx.TransportError = httpx.ConnectError("the host has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(self._seconds / len(addresses)):
                    return await self._dial(address, origin.port, tls, origin.host)
            except TimeoutError:
                failure = httpx.ConnectTimeout(f"{address} did not accept the connection in time")
            except OSError as error:
                failure = httpx.ConnectError(str(error))
        raise failure

    def _secured(self) -> ssl.SSLContext:
        if self._tls is None:
            try:
                self._tls = self._make_tls()
            except OSError as error:
                message = f"the certificates that SSL_CERT_FILE names cannot be read: {error}"
                raise TaskError("http_connection", message, retryable=False) from error
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


def _place(origin: Origin) -> str:
    return f"[{origin.host}]:{origin.port}" if ":" in origin.host else f"{origin.host}:{origin.port}"


def _refused_own(place: str, tenant: str) -> TaskError:
    workflows, hosts, _ = _rights_in_words(tenant)
    return TaskError(
        "http_address_refused",
        f"{place} is this service itself: http tasks may not call it unless {workflows} names the key "
        f"of their workflow, or {hosts} names {place}",
        retryable=False,
    )


def _refused(origin: Origin, address: str, kind: str) -> TaskError:
    host, port = origin.host, origin.port
    named = "" if host == address else f"{host} has the address "
    _, hosts, private = _rights_in_words(origin.tenant)
    return TaskError(
        "http_address_refused",
        f"{named}{address}, {kind}: http tasks may not reach it unless {hosts} names {host} or "
        f"{host}:{port}, or {private} is true",
        retryable=False,
    )


def _rights_in_words(tenant: str) -> Sequence[str]:
    """Where the rights of the tenant are written: its workflows, its hosts, and all private addresses."""
    names = ("HTTP_TASK_OWN_API_WORKFLOWS", "HTTP_TASK_ALLOWED_HOSTS", "HTTP_TASK_ALLOW_PRIVATE")
    if tenant == DEFAULT_TENANT:
        return names
    return [f"{name.lower()} of [{tenant}] in TENANTS_FILE" for name in names]
