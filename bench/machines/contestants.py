"""Transitions, as contestants of the rounds: over REST, and the bare update of a locked row."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from bench.house import Contestant, House
from bench.running import program
from bench.samples import Sample, sample
from bench.service import Running, rest_process
from bench.stores import database
from bench.workflows import prepare_database

CALLERS = 64
REST, ONE = "transition", "transition of one entity"
BARE, BARE_ONE = "bare update of a locked row", "bare update of one locked row"
WORK = "REST"

MACHINE: dict[str, Any] = {
    "name": "bench",
    "states": [{"name": "open", "initial": True}, {"name": "closed", "final": True}],
    "transitions": [
        {"from": "open", "to": "open", "name": "touch", "conditions": {"field_required": "code", "cel": "data.n > 1"}},
        {"from": "open", "to": "closed", "name": "close"},
    ],
}
TOUCH = {"transition": "touch", "context": {"code": "A-17"}, "notes": "again"}


@asynccontextmanager
async def machine_contestants(house: House) -> AsyncIterator[Sequence[Contestant]]:
    callers = min(CALLERS, max(house.size.concurrencies))
    async with (
        database(house.stores.postgres_url, "machines") as url,
        database(house.stores.postgres_url, "locked") as bare,
    ):
        await prepare_database(url)
        house.settings["transitions"] = (
            f"{callers} kept-alive connections, each with an entity of its own, 1 worker; two conditions are judged"
        )
        yield (
            Contestant("transitions over REST", lambda: _rest(house, url, callers)),
            Contestant("bare updates", lambda: _bare(house, bare, callers)),
        )


async def _rest(house: House, url: str, callers: int) -> list[Sample]:
    async with (
        rest_process(house, url) as service,
        program("bench.rest.http_load", folder=house.folder) as load,
    ):
        paths = await asyncio.to_thread(_entities, service, callers)
        found = []
        for subject, asked in ((REST, paths), (ONE, paths[:1])):
            request = {"method": "POST", "paths": asked, "status": 200, "body": json.dumps(TOUCH)}
            under = house.load(callers, server=[service.pid])
            found.append(sample(subject, WORK, callers, await load.ask(under, **request, port=service.port)))
    return found


async def _bare(house: House, url: str, callers: int) -> list[Sample]:
    async with program("bench.machines.locked_rows", url, folder=house.folder) as rows:
        return [
            sample(subject, WORK, callers, await rows.ask(house.load(callers), is_shared=is_shared))
            for subject, is_shared in ((BARE, False), (BARE_ONE, True))
        ]


def _entities(service: Running, count: int) -> list[str]:
    """The paths of the transitions of new entities."""
    origin = f"http://127.0.0.1:{service.port}"
    machine = _post(f"{origin}/machines", MACHINE | {"key": f"bench-{service.port}"})
    found = []
    for number in range(count):
        body = {"entity_table": "things", "entity_id": str(number), "data": {"n": 2, "text": "x" * 200}}
        found.append(_post(f"{origin}/machines/{machine['id']}/entities", body)["id"])
    return [f"/entities/{entity_id}/transitions" for entity_id in found]


def _post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: dict[str, Any] = json.loads(answer.read())
    return content
