"""REST, as contestants of the rounds: the service with its caches, the bare routes, the usual way."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from app.adapters.embedded.tcp_ports import free_port
from bench.house import Contestant, House
from bench.running import Program, program
from bench.samples import Sample, sample
from bench.service import Running, http_server, rest_process
from bench.stores import connect, database
from bench.workflows import ABOUT_2_KB, prepare_database

HIT, MISS, OFF, LIST, CREATE = "GET, hit", "GET, miss", "GET, Redis off", "list of 20", "create"
MEMORY, POOLED, SHARED = "ceiling (c): memory", "ceiling (d): Redis, pool", "ceiling (d): Redis, shared connection"
USUAL = "the usual way: ORM, response model"
COPIES = 64
EXPIRES_AT_ONCE = "0.001"


@asynccontextmanager
async def rest_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    """All servers on one database. Without Redis, contestants that need it are left out, with a remark."""
    async with _stored_document(house) as (url, paths):
        body = await _create_body(url)
        cached = {"REDIS_URL": house.stores.redis_url} if house.stores.redis_url else {}
        get = {"method": "GET", "paths": paths[:1], "status": 200}
        page = {**get, "paths": ["/workflows?limit=20"]}
        create = {"method": "POST", "paths": ["/workflows"], "status": 201, "body": body}
        without = Contestant("REST, Redis off", lambda: _service(house, url, {}, {OFF: get}))
        if not cached:
            yield (without, Contestant("the usual way", lambda: _usual(house, url, get)))
            return
        expiring = {**cached, "CACHE_TTL_SECONDS": EXPIRES_AT_ONCE}
        missed = {**get, "paths": paths}
        yield (
            Contestant("REST", lambda: _service(house, url, cached, {HIT: get, LIST: page, CREATE: create})),
            Contestant("REST, every entry expired", lambda: _service(house, url, expiring, {MISS: missed})),
            without,
            Contestant("the usual way", lambda: _usual(house, url, get)),
        )


@asynccontextmanager
async def rest_ceiling_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    """The bare routes, with the same bytes that the service returns."""
    async with _stored_document(house) as (url, paths), rest_process(house, url) as service:
        document = await asyncio.to_thread(_read, f"http://127.0.0.1:{service.port}{paths[0]}")
    path = house.folder / "document.json"
    path.write_bytes(document)
    house.settings["REST"] = (
        f"{house.size.http_connections} kept-alive connections, 1 worker, a body of {len(document)} bytes; "
        "a miss is a GET whose entry has expired, so it reads PostgreSQL and fills the cache"
    )
    if house.stores.redis_url is None:
        house.remark("There is no Redis: install redis-server or name one in BENCH_REDIS_URL to measure what needs it.")
    yield (Contestant("ceilings (c) and (d)", lambda: _bare(house, path)),)


@asynccontextmanager
async def _stored_document(house: House) -> AsyncIterator[tuple[str, list[str]]]:
    """A database with the 2 KB workflow and copies of it: the database's address and the workflows' paths."""
    async with database(house.stores.postgres_url, "rest") as url:
        await prepare_database(url)
        async with connect(url) as connection:
            first = await connection.fetchval("SELECT id FROM workflows WHERE key = $1", ABOUT_2_KB)
        async with rest_process(house, url) as service:
            origin = f"http://127.0.0.1:{service.port}"
            body = (await _create_body(url)).encode()
            copies = [
                json.loads(await asyncio.to_thread(_read, f"{origin}/workflows", body))["id"] for _ in range(COPIES - 1)
            ]
        yield url, [f"/workflows/{number}" for number in (first, *copies)]


async def _create_body(url: str) -> str:
    """The body that creates a workflow like the stored one: without the fields that the service adds."""
    async with connect(url) as connection:
        snapshot = await connection.fetchval(
            "SELECT r.snapshot::text FROM workflow_revisions r JOIN workflows w ON w.id = r.workflow_id "
            "WHERE w.key = $1",
            ABOUT_2_KB,
        )
    fields = ("name", "execution_type", "sequence", "type", "config")
    tasks = [{name: task[name] for name in fields} for task in json.loads(snapshot)["tasks"]]
    return json.dumps({"name": ABOUT_2_KB, "tasks": tasks})


async def _service(
    house: House, url: str, settings: dict[str, str], requests: dict[str, dict[str, Any]]
) -> list[Sample]:
    async with (
        rest_process(house, url, **settings) as service,
        program("bench.rest.http_load", folder=house.folder) as load,
    ):
        return [await _cell(house, load, service, subject, request) for subject, request in requests.items()]


async def _usual(house: House, url: str, request: dict[str, Any]) -> list[Sample]:
    port = free_port()
    command = ("-m", "bench.rest.usual_app", str(port), url)
    async with (
        http_server(house, "usual-app", port, request["paths"][0], *command, settings={}) as usual,
        program("bench.rest.http_load", folder=house.folder) as load,
    ):
        return [await _cell(house, load, usual, USUAL, request)]


async def _bare(house: House, document: Path) -> list[Sample]:
    port = free_port()
    redis_url = house.stores.redis_url or ""
    command = ("-m", "bench.rest.bare_app", str(port), str(document), redis_url)
    routes = {MEMORY: "/memory", POOLED: "/pooled", SHARED: "/shared"} if redis_url else {MEMORY: "/memory"}
    async with (
        http_server(house, "bare-app", port, "/memory", *command, settings={}) as bare,
        program("bench.rest.http_load", folder=house.folder) as load,
    ):
        return [
            await _cell(house, load, bare, subject, {"method": "GET", "paths": [path], "status": 200})
            for subject, path in routes.items()
        ]


async def _cell(house: House, load: Program, served: Running, subject: str, request: dict[str, Any]) -> Sample:
    connections = house.size.http_connections
    under = house.load(connections, server=[served.pid], redis=house.stores.redis_pids)
    answer = await load.ask(under, **request, port=served.port)
    return sample(subject, "REST", connections, answer)


def _read(url: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content
