"""What the server makes of bytes that no generated client sends, and of clients with habits of their own."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_status import rpc_status
from structlog.testing import capture_logs

from app.api.grpc.machine_servicer import MachineServicer
from app.api.grpc.server import SHORTEST_PING_INTERVAL_MS, GrpcLimits, Server
from app.api.grpc.servicer import WorkflowServicer
from app.wiring.grpc_process import open_engine_process
from tests.support.clients import grpc_channel
from tests.support.engine_process import RunningServer, settings_for

SERVICE = "/workflow.WorkflowService"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1)]
MALFORMED = [b"\xff\xff\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe"]
"""No message, one that is cut off, and a text that is not UTF-8."""


async def refusal(server: RunningServer, method: str, data: bytes, *, streams: bool) -> grpc.aio.AioRpcError:
    path = f"{SERVICE}/{method}"
    call = server.channel.unary_stream(path)(data).read() if streams else server.channel.unary_unary(path)(data)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value


@pytest.mark.parametrize("data", MALFORMED)
@pytest.mark.parametrize(("method", "streams"), [("StartWorkflow", False), ("ExecuteWorkflow", True)])
async def test_a_malformed_request_is_the_callers_mistake_and_one_line_in_the_log(
    server: RunningServer, method: str, data: bytes, streams: bool
) -> None:
    with capture_logs() as lines:
        error = await refusal(server, method, data, streams=streams)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"not a valid workflow.{method}Request" in (error.details() or "")
    status = rpc_status.from_call(error)
    assert status is not None
    assert any(detail.Is(BadRequest.DESCRIPTOR) for detail in status.details)
    assert [(line["event"], line["log_level"]) for line in lines] == [("grpc_request_malformed", "warning")]


async def test_reflection_is_served_under_both_names(server: RunningServer) -> None:
    asked = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="workflow.WorkflowService"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="grpc.reflection.v1.ServerReflection"),
    ]
    replies = {}
    for version in ("v1alpha", "v1"):
        call = server.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        replies[version] = [reply async for reply in call(iter(asked))]

    assert replies["v1"] == replies["v1alpha"]
    services = {service.name for service in replies["v1"][0].list_services_response.service}
    assert {"workflow.WorkflowService", "grpc.reflection.v1.ServerReflection"} < services
    assert all(reply.HasField("file_descriptor_response") for reply in replies["v1"][1:])


PING, GO_AWAY, SETTINGS, ACK = 6, 7, 4, 1


class Http2Client:
    """Frames as they are, so that pings and what comes back can be counted."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, kind: int, payload: bytes = b"", flags: int = 0) -> None:
        self._writer.write(struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + bytes(4) + payload)

    async def next_frame(self) -> tuple[int, int, bytes]:
        head = await self._reader.readexactly(9)
        payload = await self._reader.readexactly(int.from_bytes(head[:3]))
        return head[3], head[4], payload

    async def ping(self, payload: bytes) -> bytes:
        """What the server returns: the payload, or why it closes the connection."""
        self.send(PING, payload)
        while True:
            kind, flags, returned = await self.next_frame()
            if kind == GO_AWAY:
                return returned[8:]
            if kind == PING and flags & ACK:
                return returned
            if kind == PING:
                self.send(PING, returned, ACK)


@asynccontextmanager
async def http2(port: int) -> AsyncIterator[Http2Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    client = Http2Client(reader, writer)
    client.send(SETTINGS)
    try:
        yield client
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_client_may_ping_a_quiet_connection(server: RunningServer) -> None:
    """More pings than the strikes that a server forgives; the pause is the client's own, as in its keepalive."""
    async with http2(server.server.port) as client:
        for number in range(5):
            await asyncio.sleep(SHORTEST_PING_INTERVAL_MS / 1_000 * 1.1)
            assert await client.ping(struct.pack(">Q", number)) == struct.pack(">Q", number)


async def test_a_client_that_floods_with_pings_loses_its_connection(server: RunningServer) -> None:
    async with http2(server.server.port) as client:
        returned = [await client.ping(struct.pack(">Q", number)) for number in range(3)]
        while returned[-1] != b"too_many_pings":
            returned.append(await client.ping(bytes(8)))
            assert len(returned) < 100


@asynccontextmanager
async def limited(database_url: str, **limits: Any) -> AsyncIterator[Server]:
    async with open_engine_process(settings_for(database_url)) as process:
        servicer = WorkflowServicer(
            process.executions, process.controls, process.feed, process.machines, process.payloads, 1_000_000
        )
        machines = MachineServicer(process.machines)
        server = Server(servicer, machines, "127.0.0.1", 0, process.identity, GrpcLimits(**limits))
        await server.start()
        try:
            yield server
        finally:
            await server.stop(0)
    process.defects.raise_first()


async def check(server: Server) -> None:
    async with grpc_channel(f"127.0.0.1:{server.port}", options=OWN_CONNECTION) as channel:
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)


@pytest.mark.parametrize("sent", [b"", b"PRI * HTTP/2.0\r\n\r\n", PREFACE])
async def test_a_connection_that_does_not_begin_is_closed(database_url: str, sent: bytes) -> None:
    async with limited(database_url, handshake_seconds=0.3) as server, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        while await reader.read(1_000):
            pass  # the server's own settings come first
        writer.close()
        await check(server)


async def test_a_connection_without_calls_is_closed_and_another_is_opened_when_needed(database_url: str) -> None:
    async with limited(database_url, idle_seconds=0.3) as server, asyncio.timeout(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(PREFACE + EMPTY_SETTINGS)
        while await reader.read(1_000):
            pass
        writer.close()
        await check(server)


async def test_connections_are_bounded(database_url: str) -> None:
    async with limited(database_url, connections=2) as server, asyncio.timeout(30), AsyncExitStack() as stack:
        for _ in range(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            stack.callback(writer.close)
            writer.write(PREFACE + EMPTY_SETTINGS)
            assert await reader.read(1)
        reader, third = await asyncio.open_connection("127.0.0.1", server.port)
        third.write(PREFACE + EMPTY_SETTINGS)
        with suppress(ConnectionError):
            assert await reader.read() == b""
        third.close()
        writer.close()
        while True:  # the server notices a little later
            try:
                return await check(server)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.05)
