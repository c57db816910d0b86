"""The gRPC process: an engine and the server in front of it.

SIGTERM and Ctrl-C drain it: health checks return NOT_SERVING, other engines run new executions, running attempts may
end within SHUTDOWN_SECONDS, streams end with the number after which to resume, and the engine hands over the rest.
"""

import asyncio
import signal

import structlog
import uvloop
import watchfiles

from app.adapters.secrets import SecretFiles
from app.api.grpc.machine_servicer import MachineServicer
from app.api.grpc.server import GrpcLimits, PortUnavailable, Server
from app.api.grpc.servicer import WorkflowServicer
from app.background.interpreter_watch import InterpreterWatch
from app.config import Settings
from app.wiring.garbage import settle_garbage
from app.wiring.grpc_process import EngineProcess, open_engine_process
from app.wiring.launch import launch
from app.wiring.open_addresses import refuse_open_address
from app.wiring.tls import grpc_credentials, server_identity

log = structlog.get_logger(__name__)


async def serve(settings: Settings, secrets: SecretFiles) -> None:
    """Run until a signal arrives or a defect ends it. `main` reports the exceptions in one sentence."""
    refuse_open_address(settings, "GRPC_HOST")
    identity, stop = server_identity(settings), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with open_engine_process(settings, secrets, secrets.mask) as process:
        process.defects.on_first(stop.set)
        servicer = WorkflowServicer(
            process.executions,
            process.controls,
            process.feed,
            process.machines,
            process.payloads,
            settings.grpc_max_message_bytes,
            process.identity.addresses,
        )
        server = Server(
            servicer,
            MachineServicer(process.machines, settings.grpc_max_message_bytes),
            settings.grpc_host,
            settings.grpc_port,
            process.identity,
            GrpcLimits(message_bytes=settings.grpc_max_message_bytes, connections=settings.grpc_max_connections),
            credentials=grpc_credentials(identity),
            share_port=settings.grpc_share_port,
        )
        settle_garbage()
        watch = InterpreterWatch("attempt ")
        watch.start(process.defects.report)
        await server.start()
        log.info("grpc_ready", address=f"{settings.grpc_host}:{server.port}", tls=identity is not None)
        try:
            await stop.wait()
        finally:
            await _drain(server, process, settings.shutdown_seconds)
            await watch.stop()
    process.defects.raise_first()


async def _drain(server: Server, process: EngineProcess, seconds: float) -> None:
    log.info("grpc_draining", executions=process.engine.running, seconds=seconds)
    await server.drain()
    await process.engine.stop(seconds)
    process.hub.close()
    process.feed.close()
    process.machines.watching.close()
    await server.stop(1.0)
    log.info("grpc_stopped")


def _reload(settings: Settings, _: SecretFiles) -> None:
    """For development: restart when the source changes."""
    watchfiles.run_process("app", "examples", target=main, sigint_timeout=int(settings.shutdown_seconds) + 2)


def _run(settings: Settings, secrets: SecretFiles) -> None:
    uvloop.run(serve(settings, secrets))


def main(*, reload: bool = False) -> None:
    """Run the process. Exit with 1 and one sentence for an error that an operator can fix."""
    launch(_reload if reload else _run, PortUnavailable)


if __name__ == "__main__":
    main()
