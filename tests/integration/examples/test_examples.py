"""Each example, loaded over REST as `workflow up` does it, and run to its end on a real engine."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from app.cli.local.examples import KEY_SECRET
from app.domain.events import EventType
from app.domain.states import ExecutionStatus
from app.engine.watching.updates import Update
from tests.support.clients import rest_client
from tests.support.tenant import KEY, place_of_secret

REPOSITORY = Path(__file__).parents[3]


def steps(updates: Sequence[Update], *types: EventType) -> list[tuple[str, str]]:
    """Event type and task of the updates about tasks, in order."""
    return [(u.event.type.value.removeprefix("task_"), u.task_name) for u in updates if u.event.type in types]


def output_of(updates: Sequence[Update], task: str):
    (text,) = (u.output for u in updates if u.task_name == task and u.event.type is EventType.TASK_COMPLETED)
    return json.loads(text)


def check_numbers(updates: Sequence[Update]) -> None:
    assert [u.event.sequence for u in updates] == list(range(1, len(updates) + 1))
    assert updates[0].event.status is ExecutionStatus.PENDING
    assert [u.event.type.is_final for u in updates] == [False] * (len(updates) - 1) + [True]


async def test_all_are_loaded(service):
    assert sorted(service.keys) == [
        "flaky-import",
        "fraud-detection",
        "investigate-transaction",
        "order-flow",
        "order-lifecycle",
        "pack-order",
        "parallel-groups",
        "price-item",
        "sales-report",
        "sample-flow",
        "self-check",
    ]


async def test_parallel_groups(service):
    updates = await service.run("parallel-groups")
    check_numbers(updates)
    found = steps(updates, EventType.TASK_STARTED, EventType.TASK_COMPLETED)
    assert found[:4] == [
        ("started", "check order"),
        ("completed", "check order"),
        ("started", "reserve stock"),
        ("completed", "reserve stock"),
    ]
    assert sorted(found[4:7]) == [("started", "charge card"), ("started", "pack parcel"), ("started", "print label")]
    assert found[7:] == [
        ("completed", "print label"),
        ("completed", "charge card"),
        ("completed", "pack parcel"),
        ("started", "ship order"),
        ("completed", "ship order"),
    ]
    message = "Order A-1, packed in 1.5 s, is on its way."
    assert json.loads(updates[-1].output) == {"ship order": {"message": message}}


async def test_order_flow(service):
    updates = await service.run("order-flow")
    check_numbers(updates)
    prices = [{"price": {"name": name, "total": total}} for name, total in (("tea", 9.0), ("cup", 12.0), ("pot", 30.0))]
    assert output_of(updates, "price") == prices
    assert output_of(updates, "confirm") == {"message": "Charged [9.0,12.0,30.0]; gift: completed."}
    assert "give back" not in {update.task_name for update in updates}


async def test_a_small_order_gets_no_gift(service):
    updates = await service.run("order-flow", items=[{"name": "tea", "quantity": 1, "price": 4}])
    assert output_of(updates, "confirm") == {"message": "Charged [4.0]; gift: skipped."}


async def test_a_refused_card_gives_the_items_back(service):
    updates = await service.run("order-flow", card="stolen")
    assert updates[-1].event.status is ExecutionStatus.FAILED
    assert "output.card" in updates[-1].message
    assert output_of(updates, "give back") == {"message": "Gave back what 'Reserved 3 items.' says."}


async def test_sales_report(service):
    updates = await service.run("sales-report")
    check_numbers(updates)
    assert updates[-1].event.status is ExecutionStatus.COMPLETED
    execution = str(updates[0].execution_id)
    report = f".workflow/reports/sales-report/{execution}/report.md"
    assert json.loads(updates[-1].output)["summary"] == {
        "orders": 3917,
        "quantity": 16154,
        "revenue": "1082986.24",
        "rejected": 94,
        "below_minimum": 0,
        "report": report,
        "database": ".workflow/reports/sales-report/sales.sqlite",
    }
    assert "| South | 1277 | 5308 | 347555.20 |" in Path(report).read_text()
    told = {name for _, name in steps(updates, EventType.TASK_PROGRESSED)}
    assert told == {"read", "validate", "by region", "by product", "by month"}


async def test_sales_report_of_large_orders_beside_the_one_of_all(service):
    for minimum in (1, 3):
        updates = await service.run("sales-report", min_quantity=minimum, folder="quarter")
    summary = json.loads(updates[-1].output)["summary"]
    assert (summary["orders"], summary["below_minimum"]) == (1849, 2068)
    with closing(sqlite3.connect(".workflow/reports/quarter/sales.sqlite")) as database:
        orders = "SELECT sum(orders) FROM sales_totals WHERE dimension = 'region' GROUP BY execution_id ORDER BY 1"
        assert database.execute(orders).fetchall() == [(1849,), (3917,)]


async def test_sales_report_with_an_input_that_cannot_be_used(service):
    failure = (await service.run("sales-report", folder="../elsewhere"))[-1].failure
    assert failure.code == "bad_input"
    assert not Path("elsewhere").exists()


async def test_flaky_import(service):
    updates = await service.run("flaky-import")
    check_numbers(updates)
    about_connect = [u for u in updates if u.task_name == "connect"]
    assert [(u.task_status.value, u.event.attempt) for u in about_connect] == [
        ("running", 1),
        ("retrying", 1),
        ("running", 2),
        ("retrying", 2),
        ("running", 3),
        ("completed", 3),
    ]
    retried, again = about_connect[1:4:2], about_connect[2::2]
    waits = [(b.event.occurred_at - a.event.occurred_at).total_seconds() for a, b in zip(retried, again, strict=True)]
    assert waits[0] > 0.49
    assert waits[1] > 0.99
    ends = steps(updates, EventType.TASK_FAILED, EventType.TASK_CANCELLED)
    assert ends[0] == ("failed", "load orders")
    assert sorted(ends[1:]) == [("cancelled", "load prices"), ("cancelled", "load stock")]
    assert "publish" not in {u.task_name for u in updates}
    end = updates[-1]
    assert end.event.status is ExecutionStatus.FAILED
    assert end.failure.code == "bad_row"
    assert end.failure.message == (
        "task 'load orders' failed: line 7: the price of order F6 is 'one hundred', which is no number"
    )


async def test_self_check(service, monkeypatch: pytest.MonkeyPatch):
    """With AUTH=on it sends the key that the secret has."""
    monkeypatch.setenv(place_of_secret(KEY_SECRET).variable, KEY.text)
    updates = await service.run("self-check")
    check_numbers(updates)
    assert updates[-1].event.status is ExecutionStatus.COMPLETED, updates[-1].message
    summary = output_of(updates, "summary")
    assert summary["calls"] == {
        "ready": 200,
        "healthy": 200,
        "API description": 200,
        "workflows": 200,
        "executions": 200,
        "unknown workflow": 404,
    }
    assert (summary["workflows"], summary["newest_executions"], summary["refusal"]) == (
        9,
        ["running"],
        "workflow_not_found",
    )
    assert summary["paths"] > 5


async def test_sample_flow(service):
    updates = await service.run("sample-flow", data=[1, 2, 3])
    check_numbers(updates)
    assert [task for _, task in steps(updates, EventType.TASK_COMPLETED)] == ["task1", "task2", "task3"]
    assert output_of(updates, "task2") == {"processed": [3, 2, 1], "count": 3}


async def test_a_flow_of_the_sample_functions_runs_in_one_call(service):
    """`POST /flow/run` of docs/flows.md, on a service as `workflow up` starts it."""
    page = (REPOSITORY / "docs" / "flows.md").read_text()
    body, answer = (block.split("```")[0] for block in page.split("```json\n")[1:3])
    async with rest_client(base_url=service.rest) as rest:
        run = await rest.post("/flow/run", json=json.loads(body.partition("\n")[2]))
    assert run.status_code == 200
    expected = json.loads(answer)
    assert run.json() | {"flow_run_id": None} == expected | {"flow_run_id": None}


async def test_a_flow_whose_input_does_not_fit_ends_with_its_first_task(service):
    updates = await service.run("sample-flow", data="no list")
    assert updates[-1].event.status is ExecutionStatus.FAILED
    assert steps(updates, EventType.TASK_STARTED) == [("started", "task1")]
