"""Probes that report whether the service's processes are ready."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

PROBE_SECONDS = 2.0

Probe = Callable[[], Awaitable[bool]]


def rest_probe(host: str, port: int) -> Probe:
    """A probe that calls GET /readyz."""

    async def answers() -> bool:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                return b" 200 " in await _status_line(host, port)
        except (OSError, TimeoutError):
            return False

    return answers


async def _status_line(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host.strip("[]"), port)
    try:
        writer.write(f"GET /readyz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
        return await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def grpc_probe(host: str, port: int) -> AsyncIterator[Probe]:
    """A probe that calls the gRPC health service."""
    import grpc
    from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

    # When to retry a refused connection. With the default of a second, every start would be noticeably slower.
    options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 200)]

    async with grpc.aio.insecure_channel(f"{host}:{port}", options=options) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=HealthCheckRequest.SerializeToString,
            response_deserializer=HealthCheckResponse.FromString,
        )

        async def answers() -> bool:
            try:
                answer = await check(HealthCheckRequest(), timeout=PROBE_SECONDS)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == HealthCheckResponse.SERVING)

        yield answers
