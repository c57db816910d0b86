"""Probes that report whether the service's processes are ready."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress

from app.api.grpc.tls_files import trusting

PROBE_SECONDS = 2.0

Probe = Callable[[], Awaitable[bool]]


def rest_probe(host: str, port: int, *, tls: bool = False) -> Probe:
    """A probe that calls GET /readyz."""
    context = trusting("localhost") if tls else None

    async def answers() -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return b" 200 " in await _status_line(host, port, context)
        except (OSError, TimeoutError):
            return False

    return answers


async def _status_line(host: str, port: int, context: ssl.SSLContext | None) -> bytes:
    reader, writer = await asyncio.open_connection(host.strip("[]"), port, ssl=context)
    try:
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def grpc_probe(address: str) -> Probe:
    """A probe that calls the gRPC health service. `address` is `host:port`, after `https://` with TLS."""
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

    from app.api.grpc.channels import open_async_channel

    # When to retry a refused connection. With the default of a second, every start would be noticeably slower.
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]

    async def answers() -> bool:
        async with open_async_channel(address, options) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=HealthCheckRequest.SerializeToString,
                response_deserializer=HealthCheckResponse.FromString,
            )
            try:
                answer = await check(HealthCheckRequest(), timeout=PROBE_SECONDS)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == HealthCheckResponse.SERVING)

    return answers
