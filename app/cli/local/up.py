"""`workflow up`: storage, migrations, the REST and the gRPC process, together until Ctrl-C."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.adapters.database.migrations import migrate
from app.adapters.database_url import StorageError
from app.adapters.embedded.storage import open_storage
from app.background.defects import Defects
from app.cli.errors import CliError
from app.cli.local.examples import example_settings
from app.cli.local.greeting import Ready, greet
from app.cli.local.probes import grpc_probe, rest_probe
from app.cli.local.processes import ServiceProcess
from app.cli.local.tcp_ports import listenable_port, reachable_host
from app.cli.screen.console import failures, results
from app.client.errors import ClientError
from app.config import Settings

NO_STORAGE = 1
# Running attempts end within SHUTDOWN_SECONDS, what has ended is recorded within a lease, then connections are closed.
CLOSING_SECONDS = 5.0

LoadExamples = Callable[[str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the processes. The hosts are those by which this machine reaches them."""

    rest_host: str
    rest_port: int
    grpc_host: str
    grpc_port: int

    @property
    def rest(self) -> str:
        return f"http://{self.rest_place}"

    @property
    def rest_place(self) -> str:
        return f"{self.rest_host}:{self.rest_port}"

    @property
    def grpc(self) -> str:
        return f"{self.grpc_host}:{self.grpc_port}"


def run_up(settings: Settings, load_examples: LoadExamples | None = None) -> None:
    """Run the whole service until Ctrl-C or SIGTERM. Raise `CliError` when it cannot start, or when a process ends.

    `load_examples` is called with the REST URL when the service is ready; it returns the keys of the loaded workflows.
    """
    try:
        asyncio.run(_run_until_told(settings, load_examples))
    except StorageError as error:
        raise CliError(str(error).rstrip("."), NO_STORAGE) from None


async def _run_until_told(settings: Settings, load_examples: LoadExamples | None) -> None:
    addresses, defects = _free_addresses(settings), Defects()
    service = asyncio.create_task(_run(settings, addresses, load_examples, defects))
    defects.on_first(partial(_cancel_once, service))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, partial(_cancel_once, service))
    try:
        await service
    except asyncio.CancelledError:
        results().say("stopped")
    defects.raise_first()


def _cancel_once(service: asyncio.Task[None]) -> None:
    """Stop the service, once: a second Ctrl-C must not interrupt the shutdown, which has its own deadline."""
    if not service.cancelling():
        results().say("stopping …")
        service.cancel()


def _free_addresses(settings: Settings) -> Addresses:
    rest_port = listenable_port("FASTAPI", settings.fastapi_host, settings.fastapi_port)
    grpc_port = listenable_port("GRPC", settings.grpc_host, settings.grpc_port)
    if rest_port == grpc_port:
        raise CliError(f"FASTAPI_PORT and GRPC_PORT are both {rest_port}; set one of them to another port", 1)
    return Addresses(reachable_host(settings.fastapi_host), rest_port, reachable_host(settings.grpc_host), grpc_port)


async def _run(settings: Settings, addresses: Addresses, load_examples: LoadExamples | None, defects: Defects) -> None:
    results().say("starting …")
    async with open_storage(settings.database_url, defects.report) as url:
        await migrate(url)
        extra = {} if load_examples is None else example_settings(settings, addresses.rest_place)
        async with _processes(settings, addresses, {"DATABASE_URL": url, **extra}) as (rest, grpc):
            async with grpc_probe(addresses.grpc_host, addresses.grpc_port) as grpc_answers:
                await _both(rest.ready(rest_probe(addresses.rest_host, addresses.rest_port)), grpc.ready(grpc_answers))
            examples = await _examples(load_examples, addresses.rest)
            greet(Ready(settings, addresses.rest, addresses.grpc, examples))
            await _both(rest.ended(), grpc.ended())


@asynccontextmanager
async def _processes(
    settings: Settings, addresses: Addresses, environment: Mapping[str, str]
) -> AsyncIterator[tuple[ServiceProcess, ServiceProcess]]:
    """Start both; at the end stop both at the same time, before the database."""
    ports = {"FASTAPI_PORT": str(addresses.rest_port), "GRPC_PORT": str(addresses.grpc_port)}
    seconds = settings.shutdown_seconds + settings.engine_lease_seconds + CLOSING_SECONDS
    rest = ServiceProcess("REST", "app.main", {**environment, **ports})
    grpc = ServiceProcess("gRPC", "app.grpc_main", {**environment, **ports})
    try:
        yield rest, grpc
    finally:
        await _both(rest.stop(seconds), grpc.stop(seconds))


async def _examples(load_examples: LoadExamples | None, rest_url: str) -> Sequence[str]:
    """Load the examples. If that fails, report it and continue: the service is usable without them."""
    if load_examples is None:
        return ()
    try:
        return await asyncio.to_thread(load_examples, rest_url)
    except (CliError, ClientError) as error:
        failures().say(f"the examples could not be loaded: {error.message}")
        return ()


async def _both(one: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Run both concurrently. The first failure cancels the other and is raised unchanged."""
    tasks = [asyncio.create_task(one), asyncio.create_task(other)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
