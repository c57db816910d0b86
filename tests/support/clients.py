"""Clients of the services of a test, which send the key of its tenant if it has one, or another key."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc
import httpx

from tests.support.tenant import HEADERS

Metadata = Sequence[tuple[str, str]]


def rest_client(key: str | None = None, **options: Any) -> httpx.AsyncClient:
    """`key` stands for that of the tenant of the test; `options` are those of the client."""
    return httpx.AsyncClient(headers=_headers(key), **options)


def grpc_channel(target: str, options: Sequence[tuple[str, Any]] = (), key: str | None = None) -> grpc.aio.Channel:
    """`key` is as for `rest_client`."""
    channel = grpc.aio.insecure_channel(target, options=options)
    metadata = tuple((name.lower(), value) for name, value in _headers(key).items())
    return _KeyedChannel(channel, metadata) if metadata else channel


def _headers(key: str | None) -> Mapping[str, str]:
    return HEADERS if key is None else {"Authorization": f"Bearer {key}"}


class _KeyedChannel(grpc.aio.Channel):
    """Adds the key to every call. It is no interceptor, because the calls of those differ in small ways from others."""

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata) -> None:
        self._channel = channel
        self._metadata = metadata

    async def __aenter__(self) -> "_KeyedChannel":
        await self._channel.__aenter__()
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self._channel.__aexit__(*exception)

    async def close(self, grace: float | None = None) -> None:
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._channel.channel_ready()

    def unary_unary(self, *words: Any, **options: Any) -> Any:
        return self._keyed(self._channel.unary_unary(*words, **options))

    def unary_stream(self, *words: Any, **options: Any) -> Any:
        return self._keyed(self._channel.unary_stream(*words, **options))

    def stream_unary(self, *words: Any, **options: Any) -> Any:
        return self._keyed(self._channel.stream_unary(*words, **options))

    def stream_stream(self, *words: Any, **options: Any) -> Any:
        return self._keyed(self._channel.stream_stream(*words, **options))

    def _keyed(self, calls: Any) -> Any:
        def call(request: Any = None, *, metadata: Metadata | None = None, **options: Any) -> Any:
            return calls(request, metadata=(*(metadata or ()), *self._metadata), **options)

        return call
