"""How `http` tasks connect: only to an address that was checked.

The check is below the connection pool, between name resolution and the socket, so that it covers redirects, unusual
spellings of addresses, and names whose resolution changes. TLS and the Host header, above it, still use the name.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import httpcore
import httpx

from app.domain.handlers import TaskError
from app.tasks.http.addresses import closed_kind
from app.tasks.task_type import HttpOptions

MAX_CONNECTIONS = 1_000
MAX_IDLE_CONNECTIONS = 50
IDLE_CONNECTION_SECONDS = 5.0
MAX_ADDRESSES = 4

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


async def system_resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host in the order in which to try them. Raise OSError or UnicodeError if it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to public addresses, and to others if the options allow them; otherwise raises a final `TaskError`."""

    def __init__(
        self,
        options: HttpOptions,
        resolve: Resolve = system_resolve,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._options = options
        self._resolve = resolve
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except TimeoutError:
            raise httpcore.ConnectTimeout(f"{host} did not resolve in time") from None
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(f"{host} does not resolve: {error}") from error
        self._check(host, port, addresses)
        return await self._dial(addresses[:MAX_ADDRESSES], port, timeout, local_address, socket_options)

    def _check(self, host: str, port: int, addresses: Sequence[str]) -> None:
        """Raise `TaskError` unless every address is allowed: a name that resolves to both kinds is refused."""
        if self._options.allow_private or self._is_allowed(host, port):
            return
        for address in addresses:
            if (kind := closed_kind(address)) is not None:
                raise _refused(host, port, address, kind)

    def _is_allowed(self, host: str, port: int) -> bool:
        shown = f"[{host}]" if ":" in host else host
        return not self._options.allowed_hosts.isdisjoint({host, shown, f"{shown}:{port}"})

    async def _dial(
        self,
        addresses: Sequence[str],
        port: int,
        seconds: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that accepts; each gets a share of the time."""
        share = None if seconds is None else seconds / max(len(addresses), 1)
        failure: Exception = httpcore.ConnectError("the host has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, share, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


def _refused(host: str, port: int, address: str, kind: str) -> TaskError:
    named = "" if host == address else f"{host} has the address "
    return TaskError(
        "http_address_refused",
        f"{named}{address}, {kind}: http tasks may not reach it unless HTTP_TASK_ALLOWED_HOSTS names {host} or "
        f"{host}:{port}, or HTTP_TASK_ALLOW_PRIVATE is true",
        retryable=False,
    )


class GuardedTransport(httpx.AsyncBaseTransport):
    """An httpx transport over httpcore's pool, because httpx's own transport does not accept a network backend."""

    def __init__(self, network: httpcore.AsyncNetworkBackend, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=MAX_IDLE_CONNECTIONS,
            keepalive_expiry=IDLE_CONNECTION_SECONDS,
            network_backend=network,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        with _as_httpx_errors():
            answer = await self._pool.handle_async_request(
                httpcore.Request(
                    request.method,
                    httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                    headers=request.headers.raw,
                    content=request.stream,
                    extensions=request.extensions,
                )
            )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_AnswerStream(answer), extensions=answer.extensions
        )

    async def aclose(self) -> None:
        await self._pool.aclose()


class _AnswerStream(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx_errors():
            async for part in self._answer.aiter_stream():
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """Raise errors of httpcore as the errors of the same name in httpx."""
    try:
        yield
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        raised: type[httpx.TransportError] = getattr(httpx, type(error).__name__)
        raise raised(str(error)) from error
