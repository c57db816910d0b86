"""Sends one request over a connection of the pool and returns the unread response."""

from collections.abc import AsyncIterator

import httpx

from app.tasks.http.connection import Connection, NoResponse
from app.tasks.http.network import Origin, origin_of
from app.tasks.http.pool import ConnectionPool


class Sender:
    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool

    async def send(self, request: httpx.Request, tenant: str) -> httpx.Response:
        """The response, which must be closed. Raise `httpx.TransportError`, `TaskError` for a refused address.

        A server can close an idle connection at any time, also just before a request reaches it. If a reused connection
        ends before the first byte of the response, the request is sent once more over a new connection. A request that
        was processed nevertheless is recognised by its `Idempotency-Key` (RFC 9110, section 9.2.2).
        """
        origin = origin_of(request, tenant)
        connection = await self._pool.acquire(origin)
        try:
            return await self._send_over(connection, origin, request)
        except NoResponse:
            if connection.request_count == 1:
                raise
        return await self._send_over(await self._pool.acquire(origin, is_new=True), origin, request)

    async def _send_over(self, connection: Connection, origin: Origin, request: httpx.Request) -> httpx.Response:
        body = _Body(self._pool, origin, connection)
        try:
            head = await connection.send(request)
        except BaseException:
            await body.aclose()
            raise
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=body,
            extensions={"reason_phrase": head.reason},
            request=request,
        )


class _Body(httpx.AsyncByteStream):
    """The bytes of a response body; `aclose` releases the connection."""

    def __init__(self, pool: ConnectionPool, origin: Origin, connection: Connection) -> None:
        self._pool = pool
        self._origin = origin
        self._connection = connection
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.body()

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._pool.release(self._origin, self._connection)
