"""Several gRPC processes on one port: `run_grpc_server.py --workers N`.

Each process is an engine with its own lease. The operating system distributes connections among them. A process that
dies is started again; meanwhile the others take over its executions.
"""

import asyncio
import signal
from collections.abc import Mapping

import structlog

from app.adapters.database_url import StorageError, StorageLost
from app.adapters.logs import configure_logs
from app.background.backoff import Backoff
from app.background.defects import Defects
from app.cli.errors import CliError
from app.cli.local.processes import ServiceProcess
from app.cli.local.tcp_ports import listenable_port
from app.config import Settings
from app.wiring.open_addresses import refuse_open_address
from app.wiring.schema import open_logins

log = structlog.get_logger(__name__)

CLOSING_SECONDS = 5.0
RESTART = Backoff(first_seconds=1.0, longest_seconds=30.0)
LONG_LIFE_SECONDS = 60.0
"""A process that has lived for so long has not failed to start: the next pause is the first again."""
CANNOT_START = 1


def run_workers(settings: Settings, count: int) -> None:
    """Run `count` processes until SIGTERM or Ctrl-C; raise `CliError` or `SettingsError` when they cannot start."""
    configure_logs(settings.log_level, settings.log_format)
    if count < 1:
        raise CliError(f"--workers {count}: there must be at least one", CANNOT_START)
    if settings.grpc_port == 0:
        raise CliError("--workers needs a fixed port; set GRPC_PORT", CANNOT_START)
    refuse_open_address(settings, "GRPC_HOST")
    listenable_port("GRPC", settings.grpc_host, settings.grpc_port)
    try:
        asyncio.run(_run_until_told(settings, count))
    except (StorageError, StorageLost) as error:
        raise CliError(str(error).rstrip("."), CANNOT_START) from None


async def _run_until_told(settings: Settings, count: int) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    defects = Defects()
    defects.on_first(stop.set)
    async with open_logins(settings, defects.report) as logins:
        environment = {**logins.environment, "GRPC_SHARE_PORT": "true"}
        seconds = settings.shutdown_seconds + settings.engine_lease_seconds + CLOSING_SECONDS
        async with asyncio.TaskGroup() as group:
            for number in range(1, count + 1):
                group.create_task(_keep_running(number, environment, stop, seconds))
    defects.raise_first()


async def _keep_running(number: int, environment: Mapping[str, str], stop: asyncio.Event, seconds: float) -> None:
    """Start the worker again whenever it ends; once `stop` is set, end it within `seconds`."""
    loop, failures = asyncio.get_running_loop(), 0
    while not stop.is_set():
        began = loop.time()
        process = ServiceProcess(f"gRPC worker {number}", "app.grpc_main", environment)
        ended = asyncio.create_task(_death_of(process, number))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if stop.is_set():
            await process.stop(seconds)
        else:
            failures = 1 if loop.time() - began > LONG_LIFE_SECONDS else failures + 1
            await asyncio.wait((stopped,), timeout=RESTART.pause(failures))
        stopped.cancel()


async def _death_of(process: ServiceProcess, number: int) -> None:
    try:
        await process.ended()
    except CliError as error:
        log.error("worker_ended", worker=number, reason=error.message)  # noqa: TRY400 - the process said why
