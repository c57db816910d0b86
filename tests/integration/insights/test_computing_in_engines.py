"""Engines compute suggestions when someone asks, one engine for each tenant, and report what is new."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import structlog

from app.adapters.database.pool import open_pool
from app.adapters.database.suggestion_runs import PostgresTurns
from app.config import Settings
from app.insights.news import SuggestionNews
from tests.integration.insights.conftest import House
from tests.support.databases import ask
from tests.support.engine_process import running_server
from tests.support.planted_histories import PLANTED
from tests.support.tenant import TENANT, TENANT_ID
from tests.support.walls import engine_url


async def computed_at(house: House) -> datetime | None:
    found = await ask(house.url, "SELECT computed_at FROM suggestion_runs WHERE tenant_id = $1", TENANT_ID)
    assert found is None or isinstance(found, datetime)
    return found


async def until_computed(house: House, since: datetime) -> None:
    while (at := await computed_at(house)) is None or at < since:
        await asyncio.sleep(0.05)


async def test_an_engine_computes_what_was_asked_for(house: House, settings: Settings) -> None:
    await house.plant("planted", 30)
    async with running_server(settings), running_server(settings):
        asked = datetime.now(UTC) - timedelta(seconds=1)
        answer = await house.rest.post("/api/v1/suggestions/compute")
        assert (answer.status_code, answer.json()["computed_at"]) == (202, None)
        await until_computed(house, asked)
        assert {(one["task"], one["rule"]) for one in await house.suggestions()} == PLANTED
    row = await ask(
        house.url, "SELECT requested_at IS NULL AND holder IS NULL FROM suggestion_runs WHERE tenant_id = $1", TENANT_ID
    )
    assert row is True


async def test_one_engine_holds_a_tenant(house: House) -> None:
    await house.rest.post("/api/v1/suggestions/compute")
    async with open_pool(engine_url(house.url), 4, 30) as pool:
        engines = [PostgresTurns(pool) for _ in range(4)]
        claims = await asyncio.gather(*(engine.claim(60) for engine in engines))
        (claim,) = [one for one in claims if one is not None]
        assert (claim.tenant_id, claim.tenant) == (TENANT_ID, TENANT)
        mine = engines[[one is not None for one in claims].index(True)]
        other = next(engine for engine in engines if engine is not mine)
        assert await mine.renew(claim, 60)
        assert await other.claim(60) is None
        await mine.done(claim, 3600)
        assert await other.claim(60) is None


async def test_a_claim_ends_when_its_engine_is_gone(house: House) -> None:
    await house.rest.post("/api/v1/suggestions/compute")
    async with open_pool(engine_url(house.url), 2, 30) as pool:
        dead, alive = PostgresTurns(pool), PostgresTurns(pool)
        claim = await dead.claim(60)
        assert claim is not None
        await ask(house.url, "UPDATE suggestion_runs SET held_until = now() - interval '1 second' RETURNING 1")
        assert await alive.claim(60) is not None
        assert not await dead.renew(claim, 60)


async def test_a_request_that_comes_meanwhile_is_not_lost(house: House) -> None:
    await house.rest.post("/api/v1/suggestions/compute")
    async with open_pool(engine_url(house.url), 1, 30) as pool:
        turns = PostgresTurns(pool)
        claim = await turns.claim(60)
        assert claim is not None
        await house.rest.post("/api/v1/suggestions/compute")
        await turns.done(claim, 3600)
        assert await turns.claim(60) is not None


async def test_a_tenant_that_asks_again_and_again_does_not_keep_others_waiting(house: House) -> None:
    other = await ask(house.url, "INSERT INTO tenants (key, name) VALUES ('neighbour', 'n') RETURNING id")
    due = "INSERT INTO suggestion_runs (tenant_id, due_at) VALUES ($1, now() - interval '1 minute') RETURNING 1"
    await ask(house.url, due, other)
    claimed = []
    async with open_pool(engine_url(house.url), 1, 30) as pool:
        turns = PostgresTurns(pool)
        for _ in range(2):
            await house.rest.post("/api/v1/suggestions/compute")
            claim = await turns.claim(60)
            assert claim is not None
            claimed.append(claim.tenant_id)
            await house.rest.post("/api/v1/suggestions/compute")
            await turns.done(claim, 3600)
    assert sorted(claimed) == sorted([TENANT_ID, other])  # type: ignore[type-var]


async def test_for_which_time_all_engines_were_full(house: House) -> None:
    async with open_pool(engine_url(house.url), 1, 30) as pool:
        turns = PostgresTurns(pool)
        assert await turns.fullness() is None
        for name in ("one", "two"):
            await ask(
                house.url,
                "INSERT INTO engines (name, lease_until) VALUES ($1, now() + interval '1 hour') RETURNING 1",
                name,
            )
        for name in ("one", "two"):
            assert await turns.fullness() is None
            await turns.note_fullness(name, is_full=True)
        back = "UPDATE engine_fullness SET full_since = now() - $1 * interval '1 minute' WHERE engine = $2 RETURNING 1"
        await ask(house.url, back, 40, "one")
        await ask(house.url, back, 20, "two")
        await turns.note_fullness("one", is_full=False)
        full = await turns.fullness()
        assert full is not None
        assert full.engines == 2
        assert full.end - full.begin == pytest.approx(20 * 60, abs=60)


async def test_new_suggestions_are_reported(house: House) -> None:
    services = house.rest._transport.app.state.services  # type: ignore[attr-defined]
    told: list[SuggestionNews] = []

    async def tell(news: SuggestionNews) -> None:
        told.append(news)

    services.suggestions._tell = tell
    await house.plant("planted", 31)
    made = await suggest(house.rest)
    assert [(one.suggestion_id, one.rule) for one in told] == [(made["id"], "external")]


async def suggest(rest: httpx.AsyncClient) -> dict:
    answer = await rest.post("/api/v1/suggestions", json={"workflow": "planted", "title": "Think again"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_defect_in_a_rule_does_not_end_an_engine(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    await house.plant("planted", 32)
    await house.compute()
    monkeypatch.setattr("app.insights.computing.look", broken)
    with structlog.testing.capture_logs() as logs:
        async with running_server(settings) as server:
            asked = datetime.now(UTC) - timedelta(seconds=1)
            await house.rest.post("/api/v1/suggestions/compute")
            await until_computed(house, asked)
            assert server.process.engine.room > 0
    assert "suggestions_failed" in {entry["event"] for entry in logs}
    assert len(await house.suggestions(status="open")) == 3
