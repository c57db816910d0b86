"""`workflow up`: storage, migrations, the REST and the gRPC process, together until Ctrl-C."""

import asyncio
import signal
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from app.adapters.database.used_keys import used_keys
from app.adapters.database_url import StorageError, StorageLost
from app.api.grpc.tls_files import SECURE
from app.background.defects import Defects
from app.cli.errors import CliError
from app.cli.local.examples import example_definitions, example_settings, load_examples, tenant_of
from app.cli.local.greeting import FIRST_EXAMPLE, Ready, greet
from app.cli.local.probes import grpc_probe, rest_probe
from app.cli.local.processes import ServiceProcess
from app.cli.local.supervising import Supervised
from app.cli.local.tcp_ports import listenable_port, reachable_host
from app.cli.screen.console import failures, results
from app.cli.service_note import Note, last_service, noted
from app.cli.targets import default_grpc_address, trusts_own
from app.client.errors import ClientError
from app.client.rest_client import RestClient
from app.config import Settings, SettingsError
from app.wiring.open_addresses import refuse_open_address
from app.wiring.schema import is_server, open_logins
from app.wiring.tls import server_identity

NO_STORAGE = 1
# Running attempts end within SHUTDOWN_SECONDS, what has ended is recorded within a lease, then connections are closed.
CLOSING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What may be done to the database. None allows it for an embedded database, and not for a server.

    migrate: whether to bring the schema to the newest revision.
    examples: whether to load the examples.
    """

    migrate: bool | None = None
    examples: bool | None = None

    def wants_examples(self, settings: Settings) -> bool:
        return not is_server(settings.database_url) if self.examples is None else self.examples


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of the processes. The hosts are those by which this machine reaches them."""

    rest_host: str
    rest_port: int
    grpc_host: str
    grpc_port: int
    tls: bool = False

    @property
    def rest(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.rest_place}"

    @property
    def rest_place(self) -> str:
        return f"{self.rest_host}:{self.rest_port}"

    @property
    def grpc(self) -> str:
        return f"{SECURE if self.tls else ''}{self.grpc_host}:{self.grpc_port}"


def run_up(settings: Settings, wishes: Wishes) -> None:
    """Run the whole service until Ctrl-C or SIGTERM.

    Raise `CliError` when it cannot start, or when one of its processes ends again and again.
    """
    try:
        for name in ("FASTAPI_HOST", "GRPC_HOST"):
            refuse_open_address(settings, name)
        server_identity(settings)
        asyncio.run(_run_until_told(settings, wishes))
    except (StorageError, StorageLost, SettingsError) as error:
        raise CliError(str(error).rstrip("."), NO_STORAGE) from None


async def _run_until_told(settings: Settings, wishes: Wishes) -> None:
    addresses, defects = _free_addresses(settings), Defects()
    service = asyncio.create_task(_run(settings, addresses, wishes, defects))
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
    hosts = reachable_host(settings.fastapi_host), reachable_host(settings.grpc_host)
    return Addresses(hosts[0], rest_port, hosts[1], grpc_port, tls=trusts_own(settings))


async def _run(settings: Settings, addresses: Addresses, wishes: Wishes, defects: Defects) -> None:
    results().say("starting …")
    async with open_logins(settings, defects.report, may_migrate=wishes.migrate) as logins:
        with_examples = wishes.wants_examples(settings)
        extra = example_settings(settings) if with_examples else {}
        async with _processes(settings, addresses, {**logins.environment, **extra}) as (rest, grpc):
            await _both(rest.ready(), grpc.ready())
            if with_examples:
                await _load_examples(logins.engine, addresses.rest, with_key=settings.auth == "on")
            has_example = await asyncio.to_thread(_exists, addresses.rest, FIRST_EXAMPLE)
            with noted(_note(settings, addresses)):
                is_found = default_grpc_address() == addresses.grpc
                greet(Ready(settings, addresses.rest, addresses.grpc, with_examples, has_example, is_found))
                await _both(rest.keep_running(), grpc.keep_running())


def _note(settings: Settings, addresses: Addresses) -> Note:
    """With whole paths, for commands in other folders."""
    files = ("" if path is None else str(path.absolute()) for path in (settings.tls_certificate, settings.tls_key))
    return Note(addresses.rest, addresses.grpc, *files)


@asynccontextmanager
async def _processes(
    settings: Settings, addresses: Addresses, environment: Mapping[str, str]
) -> AsyncIterator[tuple[Supervised, Supervised]]:
    """Start both; at the end stop both at the same time, before the database."""
    ports = {"FASTAPI_PORT": str(addresses.rest_port), "GRPC_PORT": str(addresses.grpc_port)}
    seconds = settings.shutdown_seconds + settings.engine_lease_seconds + CLOSING_SECONDS
    start = partial(ServiceProcess, settings={**environment, **ports})
    rest_answers = rest_probe(addresses.rest_host, addresses.rest_port, tls=addresses.tls)
    rest = Supervised(partial(start, "REST", "app.main"), rest_answers)
    grpc = Supervised(partial(start, "gRPC", "app.grpc_main"), grpc_probe(addresses.grpc))
    try:
        yield rest, grpc
    finally:
        await _both(rest.stop(seconds), grpc.stop(seconds))


async def _load_examples(url: str, rest_url: str, *, with_key: bool) -> None:
    """Load the examples. If that fails, report it and continue: the service is usable without them."""
    last = last_service()
    try:
        tenant = await asyncio.to_thread(tenant_of, rest_url)
        used = await used_keys(url, tenant, example_definitions())
        await asyncio.to_thread(load_examples, rest_url, used, last and last.rest, with_key=with_key)
    except (CliError, ClientError, StorageError) as error:
        failures().say(f"the examples could not be loaded: {error}")


def _exists(rest_url: str, key: str) -> bool:
    try:
        with RestClient(rest_url) as service:
            return service.find_workflow(key) is not None
    except ClientError:
        return False


async def _both(one: Coroutine[Any, Any, None], other: Coroutine[Any, Any, None]) -> None:
    """Run both concurrently. The first failure cancels the other and is raised unchanged."""
    tasks = [asyncio.create_task(one), asyncio.create_task(other)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
