"""`workflow events`: what it prints, and that it continues after a broken connection."""

import json

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.client import feed_follower
from app.client.follower import Patience
from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import EXECUTION, ScriptedService, plays, refuses, update, whole_history

REMOVED = "the events behind position 1 have been removed; read on from 4, the oldest that is kept"


def event(position: int, sequence: int = 1, **fields: object) -> pb.FeedEvent:
    entry = update(sequence, message=f"message {position}", **fields)
    return pb.FeedEvent(position=position, update=entry, type="task_completed")


def batch(*positions: int, through: int = 0) -> pb.EventBatch:
    return pb.EventBatch(events=[event(position) for position in positions], next_position=through or positions[-1])


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_follower.time, "sleep", lambda _: None)


def test_it_prints_every_event_that_is_kept(grpc_service: ScriptedService, rest_service: RestStandIn, workflow):
    history = whole_history()
    grpc_service.events = [
        pb.FeedEvent(position=100 + n, update=entry, type="task_started") for n, entry in enumerate(history)
    ]
    rest_service.workflows = {"orders": {"id": 7, "key": "orders", "name": "Orders"}}
    rest_service.executions = {EXECUTION: {"id": EXECUTION}}
    shown = workflow("events", "--utc", "--workflow", "orders", "--type", "task_started")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert [line.split()[0] for line in lines] == [str(100 + n) for n in range(len(history))]
    assert lines[7].split()[3:6] == ["orders", "000000000001", "#8"]
    assert lines[7].endswith("load: 3 rows written")
    first, *_, last = grpc_service.requests
    assert (first.HasField("after_position"), first.workflow_id, list(first.types)) == (
        False,
        "orders",
        ["task_started"],
    )
    assert (last.after_position, last.include_output) == (109, False)


def test_as_json_with_outputs(grpc_service: ScriptedService, workflow):
    grpc_service.events = [event(7, output='{"rows": 3}')]
    (line,) = workflow("events", "--json", "--after", "3").stdout.splitlines()
    document = json.loads(line)
    assert (document["position"], document["type"], document["output"]) == (7, "task_completed", {"rows": 3})
    assert (grpc_service.requests[0].after_position, grpc_service.requests[0].include_output) == (3, True)


def test_it_continues_after_broken_connections(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [
        plays(batch(through=3), batch(4, 5, through=8), then=grpc.StatusCode.UNAVAILABLE),
        plays(then=grpc.StatusCode.UNAVAILABLE),
        plays(batch(9), batch(through=20), then=grpc.StatusCode.INTERNAL),
        refuses(grpc.StatusCode.OUT_OF_RANGE, REMOVED, "position_expired"),
    ]
    followed = workflow("events", "--follow", "--utc")
    assert [line.split()[0] for line in followed.stdout.splitlines()] == ["4", "5", "9"]
    asked = [(r.HasField("after_position"), r.after_position) for r in grpc_service.requests]
    assert asked == [(False, 0), (True, 8), (True, 8), (True, 20)]
    assert "connection lost after position 8; trying again" in followed.stderr
    assert followed.stderr.splitlines()[-1] == f"error: {REMOVED}"
    assert followed.exit_code == 2


def test_it_gives_up_after_a_while_and_says_where_it_was(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(batch(4))] + [plays() for _ in range(Patience().later_tries)]
    followed = workflow("events", "--follow", "--after", "3")
    assert followed.stderr.splitlines()[-1].endswith("The last position was 4")
    assert followed.exit_code == 2


ENTITY = "0197a3c4-6e3f-7d2b-8a4c-3b7f1dae9f82"


def of_entity(position: int) -> pb.FeedEvent:
    entity = pb.EntityUpdate(
        entity_id=ENTITY,
        machine_id="3",
        sequence=2,
        type="transitioned",
        transition="go",
        from_state="a",
        to_state="b",
        actor="timer",
        context='{"n": 1}',
        message="Transition 'go' from 'a' to 'b'",
    )
    return pb.FeedEvent(position=position, type="transitioned", entity=entity)


def test_events_of_entities_are_printed_too(grpc_service: ScriptedService, workflow):
    grpc_service.events = [event(7), of_entity(8)]
    shown = workflow("events", "--utc", "--machine", "fraud", "--entity", ENTITY)
    assert shown.exit_code == 0
    line = shown.stdout.splitlines()[1].split()
    assert (line[0], line[3:7]) == ("8", ["machine", "3", "3b7f1dae9f82", "#2"])
    assert shown.stdout.splitlines()[1].endswith("Transition 'go' from 'a' to 'b'")
    asked = grpc_service.requests[0]
    assert (asked.machine_id, asked.entity_id) == ("fraud", ENTITY)


def test_an_event_of_an_entity_as_json(grpc_service: ScriptedService, workflow):
    grpc_service.events = [of_entity(8)]
    document = json.loads(workflow("events", "--json").stdout)
    shown = {name: document[name] for name in ("position", "type", "entity_id", "machine_id", "context", "data")}
    assert shown == {
        "position": 8,
        "type": "transitioned",
        "entity_id": ENTITY,
        "machine_id": 3,
        "context": {"n": 1},
        "data": None,
    }
