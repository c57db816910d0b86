"""The HTTP client that all `http` tasks share: no cookies, no proxies; every redirect is checked."""

import time
from collections.abc import Collection
from contextlib import AbstractAsyncContextManager

import httpx

from app.background.fair_places import FairPlaces
from app.domain.shares import Group
from app.tasks.http.connection import Connection
from app.tasks.http.network import GuardedNetwork, MakeTls, Origin, Resolve, system_resolve
from app.tasks.http.pool import Clock, ConnectionPool, PoolLimits
from app.tasks.http.redirects import next_request, refused_redirect
from app.tasks.http.sender import Sender
from app.tasks.task_type import HttpOptions

MAX_REDIRECTS = 5


class HttpClient:
    """Opens at the first request. The executions of a tenant share connections and nothing else."""

    def __init__(
        self,
        options: HttpOptions,
        resolve: Resolve = system_resolve,
        make_tls: MakeTls = httpx.create_ssl_context,
        clock: Clock = time.monotonic,
        limits: PoolLimits | None = None,
    ) -> None:
        self._network = GuardedNetwork(options, resolve, make_tls)
        limits = limits or PoolLimits()
        self._places = FairPlaces(limits.max_requests)
        self._pool = ConnectionPool(self._connect, clock, limits)
        self._sender = Sender(self._pool)

    def place(self, group: Group) -> AbstractAsyncContextManager[None]:
        """For one call with its redirects. Waits while too many others are made."""
        return self._places.place(group)

    async def send(self, request: httpx.Request, expected: Collection[int], tenant: str) -> httpx.Response:
        """The unread response, which the caller must close. A redirect whose status is `expected` is not followed. All
        requests of the call have the rights of the tenant with this key.

        Raise `httpx.TransportError` when there is no response, `TaskError` for a refused address or redirect.
        """
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._sender.send(request, tenant)
            following = None
            try:
                following = None if response.status_code in expected else next_request(response)
            except BaseException:
                await response.aclose()
                raise
            if following is None:
                return response
            await response.aclose()
            request = following
        raise refused_redirect(f"there were more than {MAX_REDIRECTS} redirects")

    async def close(self) -> None:
        await self._pool.close()

    async def _connect(self, origin: Origin) -> Connection:
        return Connection(await self._network.connect(origin))
