"""The gRPC server: the servicers with reflection, health, limits and keepalive."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from app.api.grpc.gate import Gate
from app.api.grpc.generated import machine_pb2, workflow_pb2
from app.api.grpc.machine_servicer import MachineServicer
from app.api.grpc.polling_thread import yielding_threads
from app.api.grpc.reflection import enable_reflection
from app.api.grpc.requests import reader
from app.api.grpc.servicer import WorkflowServicer
from app.domain.callers import ANONYMOUS, Caller
from app.identity.identity import Identity

OF_EXECUTIONS = workflow_pb2.DESCRIPTOR.services_by_name["WorkflowService"]
OF_MACHINES = machine_pb2.DESCRIPTOR.services_by_name["MachineService"]
SERVICES = (OF_EXECUTIONS.full_name, OF_MACHINES.full_name)

SHORTEST_PING_INTERVAL_MS = 1_000
"""How often a client may ping an idle stream; most libraries require intervals of 10 s or more."""


class PortUnavailable(Exception):
    """The server cannot listen on the address. The message is one sentence for the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcLimits:
    """The limits of connections.

    message_bytes: of messages in both directions.
    metadata_bytes: of the metadata of a call, as the head of a request over REST. It must have room for a credential.
    connections: how many may be open at the same time; further ones are closed at once.
    handshake_seconds: how long a new connection may take for TLS and the first frames of HTTP/2.
    idle_seconds: a connection without calls is closed after this time; clients open another one when they need it.
    """

    message_bytes: int = 4_194_304
    metadata_bytes: int = 65_536
    connections: int = 1_000
    handshake_seconds: float = 10.0
    idle_seconds: float = 600.0


class Server:
    """The gRPC server.

    servicer: carries out the calls about executions.
    machines: carries out the calls about machines.
    host: where to listen.
    port: where to listen; 0 chooses a free port.
    limits: of connections.
    identity: decides who calls, and may they.
    credentials: for TLS; None for none.
    share_port: whether other processes that also set this may listen on the same port.
    """

    def __init__(  # noqa: PLR0913 - the last two are for few callers
        self,
        servicer: WorkflowServicer,
        machines: MachineServicer,
        host: str,
        port: int,
        identity: Identity,
        limits: GrpcLimits | None = None,
        *,
        credentials: grpc.ServerCredentials | None = None,
        share_port: bool = False,
    ) -> None:
        gates = (Gate(identity),) if identity.admission.asks else ()
        with yielding_threads():
            options = _options(limits or GrpcLimits(), share_port=share_port)
            self._server = grpc.aio.server(interceptors=gates, options=options)
        self._health = health.aio.HealthServicer()
        everyone = None if gates else ANONYMOUS
        services = (_service(OF_EXECUTIONS, servicer, everyone), _service(OF_MACHINES, machines, everyone))
        self._server.add_generic_rpc_handlers(services)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if identity.admission.documentation != "off":
            enable_reflection(self._server, (*SERVICES, health.SERVICE_NAME))
        self.port = self._listen(host, port, credentials)

    async def start(self) -> None:
        await self._server.start()
        await self._report(serving=True)

    async def drain(self) -> None:
        """Report NOT_SERVING to health checks and refuse new calls. Running calls continue until `stop`."""
        await self._report(serving=False)
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_seconds: float) -> None:
        await self._server.stop(grace_seconds)

    async def _report(self, *, serving: bool) -> None:
        answer = health_pb2.HealthCheckResponse
        for service in ("", *SERVICES):
            await self._health.set(service, answer.SERVING if serving else answer.NOT_SERVING)

    def _listen(self, host: str, port: int, credentials: grpc.ServerCredentials | None) -> int:
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if credentials is None:
                bound = self._server.add_insecure_port(address)
            else:
                bound = self._server.add_secure_port(address, credentials)
        except RuntimeError:
            bound = 0
        if bound == 0:
            raise PortUnavailable(f"cannot listen on {address}: the port is in use or not allowed; set GRPC_PORT")
        return bound


def _service(described: ServiceDescriptor, servicer: object, everyone: Caller | None) -> grpc.GenericRpcHandler:
    """The handlers that the generated stubs would register, except that streams, and whatever a method returns as
    bytes, are already serialized.

    everyone: the caller of all calls; None if the gate adds the caller to each.
    """
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    for method in described.methods:
        behaviour, read = getattr(servicer, method.name), reader(GetMessageClass(method.input_type))
        if everyone is not None:
            behaviour = partial(behaviour, caller=everyone)
        if method.server_streaming:
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(behaviour, read)
        else:
            write = _writer(GetMessageClass(method.output_type))
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(behaviour, read, write)
    return grpc.method_handlers_generic_handler(described.full_name, handlers)


def _writer(message_type: type[Message]) -> Callable[[Message | bytes], bytes]:
    write = message_type.SerializeToString
    return lambda response: response if isinstance(response, bytes) else write(response)


def _options(limits: GrpcLimits, *, share_port: bool) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", limits.message_bytes),
        ("grpc.max_send_message_length", limits.message_bytes),
        # Between the first size and the second, calls are refused by chance.
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.metadata_bytes),
        ("grpc.max_allowed_incoming_connections", limits.connections),
        ("grpc.server_handshake_timeout_ms", int(limits.handshake_seconds * 1_000)),
        ("grpc.max_connection_idle_ms", int(limits.idle_seconds * 1_000)),
        ("grpc.so_reuseport", int(share_port)),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
        # This is the name that the core of gRPC reads. With `min_recv_…` it would end idle streams whose client sends
        # pings, with "Too many pings".
        ("grpc.http2.min_ping_interval_without_data_ms", SHORTEST_PING_INTERVAL_MS),
        ("grpc.http2.max_pings_without_data", 0),
    ]
