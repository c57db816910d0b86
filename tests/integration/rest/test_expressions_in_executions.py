"""Expressions from the definition to the stored output: saved over REST, evaluated by an engine, read as text."""

import json

import pytest

from app.wiring.grpc_process import open_engine_process


@pytest.fixture
async def engine(settings):
    async with open_engine_process(settings) as process:
        yield process


def transform(name: str, value: object, **fields) -> dict:
    return {"name": name, "execution_type": "sync", "type": "transform", "config": {"value": value}} | fields


async def outcome(rest, tasks: list[dict], given: dict) -> tuple[str, str]:
    """The status, and the output of the last task as the answer has it, byte for byte."""
    saved = await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": tasks})
    assert saved.status_code == 201, saved.text
    answer = await rest.post("/workflows/k/executions?wait=20", json={"input": given})
    assert answer.status_code == 200, answer.text
    last = json.dumps(tasks[-1]["name"])
    output = answer.text.partition(f'"output":{{{last}:')[2].partition('},"error":')[0]
    return answer.json()["status"], output


async def test_texts_and_times_come_out_right(rest, engine):
    given = {"n": "Zoë", "a": "2027-01-01T00:00:00Z", "b": "2027-01-01T00:30:00Z", "t": "2027-01-01T00:30:00+01:00"}
    value = {
        "size": "${size(input.n)}",
        "short": "${size(input.n) <= 3}",
        "between": "${string(timestamp(input.a) - timestamp(input.b))}",
        "back": "${string(duration('-90m'))}",
        "year": "${timestamp(input.t).getFullYear()}",
        "instant": "${string(timestamp(input.t))}",
        "hour": "${timestamp(input.t).getHours('Europe/Berlin')}",
        "text": "${string(true)}",
        "bool": "${bool('true')}",
    }
    status, output = await outcome(rest, [transform("a", value)], given)
    assert (status, json.loads(output)) == (
        "completed",
        {
            "size": 3,
            "short": True,
            "between": "-1800s",
            "back": "-5400s",
            "year": 2026,
            "instant": "2026-12-31T23:30:00Z",
            "hour": 0,
            "text": "true",
            "bool": True,
        },
    )


async def test_keys_come_out_in_the_order_in_which_they_were_written(rest, engine):
    rows = [{"z": 1, "m": {"y": 1, "b": 2}, "a": 2}]
    tasks = [
        transform("take", "${{'zone': 'z', 'amount': input.rows[0].a, 'all': input.rows.filter(r, r.z == 1)}}"),
        transform(
            "hand on",
            {
                "taken": "${tasks.take.output}",
                "also": "${tasks.take.output.all.map(r, {'m': r.m, 'a': r.a})}",
                "keys": "${input.rows[0].map(k, k)}",
            },
        ),
    ]
    status, output = await outcome(rest, tasks, {"rows": rows})
    assert status == "completed"
    assert output == json.dumps(
        {
            "taken": {"zone": "z", "amount": 2, "all": rows},
            "also": [{"m": {"y": 1, "b": 2}, "a": 2}],
            "keys": ["z", "m", "a"],
        },
        separators=(",", ":"),
    )


async def test_a_skipped_task_has_returned_no_fields(rest, engine):
    tasks = [
        transform("a", {"x": {"y": 1}}, when="input.go"),
        transform("b", ["${has(tasks.a.output.x)}", "${has(tasks.a.output.x.y)}", "${tasks.a.status}"]),
    ]
    assert await outcome(rest, tasks, {"go": False}) == ("completed", '[false,false,"skipped"]')


async def test_too_much_work_fails_the_task_and_nothing_else(rest, engine):
    endless = "${input.l.map(a, input.l.map(b, input.l.map(c, a + b + c))).size()}"
    status, _ = await outcome(rest, [transform("a", endless)], {"l": list(range(1_000))})
    assert status == "failed"
    other = {"name": "n", "key": "other", "tasks": [transform("a", "${input.l.map(x, x + 1)}")]}
    assert (await rest.post("/workflows", json=other)).status_code == 201
    answer = await rest.post("/workflows/other/executions?wait=20", json={"input": {"l": [1, 2]}})
    assert answer.json()["output"] == {"a": [2, 3]}
