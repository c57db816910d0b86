"""The machines of the examples with the whole service: their workflows run, people decide, and time passes."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.domain.states import ExecutionStatus
from tests.integration.examples.conftest import Service
from tests.support.checking import assert_clean
from tests.support.clients import rest_client
from tests.support.event_source import ACCEPT
from tests.support.tenant import CALLER

DAY, HALF_AN_HOUR = timedelta(days=1), timedelta(minutes=30)


@dataclass
class LateClock:
    """The wall clock of the processes, which is `behind` that of the database: what they do happened that long ago."""

    behind: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) - self.behind


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> LateClock:
    """Must be made before the service."""
    clock = LateClock()
    monkeypatch.setattr("app.wiring.machines.SystemClock", lambda: clock)
    return clock


@dataclass(frozen=True)
class House:
    """rest: talks to the service. service: its engine runs the executions. clock: theirs, for entities."""

    rest: httpx.AsyncClient
    service: Service
    clock: LateClock

    async def start(self, machine: str, key: str, **fields: Any) -> str:
        body = {"machine": machine, "entity_table": "things", "entity_id": key, **fields}
        answer = await self.rest.post("/entities", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def move(self, entity: str, to: str, **fields: Any) -> httpx.Response:
        return await self.rest.post(f"/entities/{entity}/transitions", json={"to_state": to, **fields})

    async def moved(self, entity: str, to: str, **fields: Any) -> None:
        answer = await self.move(entity, to, **fields)
        assert answer.status_code == 200, answer.text

    async def refused(self, entity: str, to: str, **fields: Any) -> list[str]:
        answer = await self.move(entity, to, **fields)
        assert answer.status_code == 409, answer.text
        return [error["message"] for error in answer.json()["errors"]]

    async def blocked(self, entity: str, name: str) -> list[str]:
        """What holds the transition back, as the list of transitions says."""
        found = (await self.rest.get(f"/entities/{entity}/transitions")).json()["items"]
        return [reason for one in found if one["name"] == name for reason in one["blocked_by"]]

    async def reached(self, entity: str, state: str) -> None:
        """Return when the entity has entered the state, as its stream says."""
        path = f"/entities/{entity}/events/stream"
        async with self.rest.stream("GET", path, headers=ACCEPT, timeout=60) as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:") and f'"to_state":"{state}"' in line:
                    return
        raise AssertionError(f"the entity has never been {state}")

    async def moves(self, entity: str) -> Sequence[tuple[str, str]]:
        """The transitions so far: their names, and who has made them."""
        events = (await self.rest.get(f"/entities/{entity}/events")).json()["items"]
        assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
        made = [event for event in events if event["type"] == "transitioned"]
        return [(event["transition"], event["on_behalf_of"] or event["actor"].split(":")[0]) for event in made]

    async def output(self) -> dict[str, Any]:
        """What the one execution that was started has come to. It has ended."""
        [listed] = (await self.rest.get("/executions")).json()["items"]
        found = (await self.rest.get(f"/executions/{listed['id']}")).json()
        assert found["status"] == ExecutionStatus.COMPLETED.value
        return dict(found["output"])


@pytest.fixture
async def house(clock: LateClock, service: Service, database_url: str) -> AsyncIterator[House]:
    async with rest_client(base_url=f"{service.rest}/api/v1", timeout=60) as rest:
        yield House(rest, service, clock)
    await assert_clean(database_url)


async def test_a_transaction_is_investigated_and_approved_by_another_person(house: House) -> None:
    one = await house.start("fraud-detection", "1", data={"amount": 5000, "risk_score": "medium"})
    await house.moved(one, "investigating", executed_by="ann", notes="Suspicious pattern detected")
    await house.reached(one, "waiting_for_decision")
    code = {"approval_code": "A-1"}
    assert await house.blocked(one, "approve") == ["field_required: approval_code"]
    assert await house.refused(one, "approved", executed_by="bob") == ["field_required: approval_code"]
    assert await house.refused(one, "approved", executed_by="ann", context=code) == ["not_same_actor_as: investigate"]
    await house.moved(one, "approved", executed_by="bob", context=code)
    assert await house.moves(one) == [("investigate", "ann"), ("findings_ready", "execution"), ("approve", "bob")]
    assert (await house.output())["findings"] == {
        "transaction": "1",
        "amount": 5000,
        "risk": "medium",
    }
    assert (await house.move(one, "blocked", context={"reason": "late"})).json()["code"] == "entity_is_final"


async def test_what_is_not_known_of_a_transaction_is_investigated_as_null(house: House) -> None:
    """As in the README of the examples, which gives the amount alone."""
    one = await house.start("fraud-detection", "1", data={"amount": 5000})
    await house.moved(one, "investigating")
    await house.reached(one, "waiting_for_decision")
    assert (await house.output())["findings"] == {"transaction": "1", "amount": 5000, "risk": None}
    await house.moved(one, "blocked", context={"reason": "stolen card"})


async def test_a_transaction_that_stays_untouched_for_a_day_is_escalated(house: House) -> None:
    house.clock.behind = DAY - timedelta(minutes=1)
    touched = await house.start("fraud-detection", "touched", data={"amount": 1})
    house.clock.behind = DAY
    untouched = await house.start("fraud-detection", "untouched", data={"amount": 1})
    await house.reached(untouched, "escalated")
    house.clock.behind = timedelta(0)
    assert await house.moves(untouched) == [("escalate_late", "timer")]
    assert await house.moves(touched) == []
    await house.moved(untouched, "investigating")
    await house.reached(untouched, "waiting_for_decision")


async def test_a_large_amount_is_blocked_at_once_from_any_state(house: House) -> None:
    one = await house.start("fraud-detection", "1", data={"amount": 99_999})
    assert await house.refused(one, "blocked") == ["cel: data.amount >= 100000"]
    assert (await house.rest.patch(f"/entities/{one}", json={"data": {"amount": 100_000}})).status_code == 200
    await house.moved(one, "blocked")
    assert await house.moves(one) == [("block_at_once", CALLER.principal.split(":")[0])]


async def test_an_investigation_that_cannot_be_started_leaves_everything_as_it_was(house: House) -> None:
    one = await house.start("fraud-detection", "1", data={"amount": "much"})
    answer = await house.move(one, "investigating")
    assert (answer.status_code, answer.json()["code"]) == (409, "effect_failed")
    assert await house.moves(one) == []
    assert (await house.rest.get("/executions")).json()["items"] == []


async def test_an_investigation_that_is_cancelled_escalates(house: House) -> None:
    """It waits for a signal here, so that it is not done before it is cancelled."""
    waiting = {"name": "findings", "execution_type": "sync", "sequence": 1, "type": "signal", "config": {"name": "go"}}
    path = "/workflows/investigate-transaction"
    assert (await house.rest.patch(path, json={"tasks": [waiting]})).status_code == 200
    one = await house.start("fraud-detection", "1", data={"amount": 1})
    await house.moved(one, "investigating")
    [run] = (await house.rest.get("/executions")).json()["items"]
    assert (await house.rest.post(f"/executions/{run['id']}/cancel", json={"reason": "no need"})).is_success
    await house.reached(one, "escalated")
    assert (await house.moves(one))[-1] == ("investigation_failed", "execution")


async def test_an_order_is_paid_packed_shipped_and_delivered(house: House) -> None:
    order = await house.start("order-lifecycle", "7", data={"total": 30, "items": ["tea", "cup", "pot"]})
    assert await house.refused(order, "paid", context={"payment": "p-1", "amount": 29}) == [
        "cel: context.amount == data.total"
    ]
    await house.moved(order, "paid", context={"payment": "p-1", "amount": 30})
    await house.reached(order, "packed")
    assert (await house.output())["label"] == {"order": "7", "parcels": 3}
    assert await house.refused(order, "shipped") == ["field_required: tracking_number"]
    await house.moved(order, "shipped", context={"tracking_number": "T-1"})
    await house.moved(order, "delivered")
    principal = CALLER.principal.split(":")[0]
    assert await house.moves(order) == [
        ("pay", principal),
        ("packed", "execution"),
        ("ship", principal),
        ("deliver", principal),
    ]


async def test_an_order_that_is_not_paid_within_half_an_hour_is_cancelled(house: House) -> None:
    house.clock.behind = HALF_AN_HOUR
    order = await house.start("order-lifecycle", "7", data={"total": 30, "items": ["tea"]})
    await house.reached(order, "cancelled")
    assert await house.moves(order) == [("cancel", "timer")]
    paid = await house.move(order, "paid", context={"payment": "p-1", "amount": 30})
    assert paid.json()["code"] == "entity_is_final"


async def test_an_order_that_comes_back_is_refunded(house: House) -> None:
    order = await house.start("order-lifecycle", "7", data={"total": 30, "items": ["tea"]})
    await house.moved(order, "paid", context={"payment": "p-1", "amount": 30})
    await house.reached(order, "packed")
    await house.moved(order, "refunding")
    assert await house.refused(order, "cancelled") == ["field_required: refund_id"]
    await house.moved(order, "cancelled", context={"refund_id": "r-1"})
