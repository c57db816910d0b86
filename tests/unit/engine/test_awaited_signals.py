"""Which signals an execution takes, which it refuses, and which task gets which of them."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.domain.errors import Invalid, Problem, WrongState
from app.domain.events import EventType
from app.domain.handlers import TaskError, Wait
from app.tasks.delay import DelayHandler
from app.tasks.signal import SignalHandler
from tests.support.memory_house import House, Process
from tests.support.requests import payload_of
from tests.support.stories import parallel, sync
from tests.support.tenant import CALLER

YES = {"type": "object", "required": ["yes"]}
NO = {"type": "object", "required": ["no"]}


class WaitsForAny:
    """A task type of a package: its config says whether it waits for a signal, and for which."""

    def wait(self, config: Any) -> Wait:
        if "signal" not in config:
            raise TaskError("invalid_config", "has no signal", retryable=False)
        return Wait(signal=config["signal"], seconds=config.get("seconds"), output="default")


@pytest.fixture
def house() -> House:
    return House(handlers={"signal": SignalHandler(), "delay": DelayHandler(), "any": WaitsForAny()})


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def waiting(name: str, signal: str = "go", schema: Any = None, **fields: Any) -> Any:
    return sync(name, type="signal", config={"name": signal}, output_schema=schema, **fields)


def side_by_side(name: str, signal: str = "go", schema: Any = None) -> Any:
    return parallel(name, type="signal", config={"name": signal}, output_schema=schema)


async def begun(house: House, process: Process, *tasks: Any, **fields: Any) -> str:
    """An execution whose first task has started."""
    execution_id = await process.start(await house.define(*tasks, **fields))
    await process.until(execution_id, f"{tasks[0].name} started")
    return execution_id


async def refusal(process: Process, execution_id: str, name: str, payload: Any = None) -> tuple[Problem, ...]:
    with pytest.raises(Invalid) as refused:
        await process.controls.signal(CALLER, execution_id, name, payload_of(payload))
    return tuple(refused.value.problems)


async def outputs(process: Process, execution_id: str) -> dict[str, str | None]:
    return {task.name: task.output for task in await process.executions.tasks(CALLER, execution_id)}


async def test_a_name_that_no_task_waits_for_is_refused_with_the_names_that_exist(
    house: House, process: Process
) -> None:
    execution_id = await begun(house, process, waiting("a", "one"), waiting("b", "two"), waiting("c", "one"))
    (problem,) = await refusal(process, execution_id, "One")
    assert problem.path == "name"
    assert problem.message == "no task of this execution waits for the signal 'One'; its tasks wait for 'one', 'two'"
    assert house.database.commands == {}


async def test_an_execution_that_waits_for_no_signal_says_so(house: House, process: Process) -> None:
    delay = sync("b", type="delay", config={"seconds": "${input.seconds}"})
    execution_id = await begun(house, process, sync("a", type="staged"), delay, sync("c", type="any", config={}))
    (problem,) = await refusal(process, execution_id, "go")
    assert problem.message == "no task of this execution waits for a signal, so 'go' would never be taken"


@pytest.mark.parametrize(
    "other",
    [
        sync("b", type="signal", config={"name": "${input.name}"}),
        sync("b", type="any", config={"signal": "${input.name}"}),
        sync("b", type="unknown here"),
    ],
)
async def test_any_name_is_accepted_where_a_task_may_wait_for_it(house: House, process: Process, other: Any) -> None:
    execution_id = await begun(house, process, waiting("a"), other)
    await process.controls.signal(CALLER, execution_id, "surprise", payload_of(1))
    while "signal_received" not in [event.type.value for event in house.history(execution_id)]:
        await process.executions.wait(CALLER, execution_id, 0.01)


async def test_a_name_from_the_input_is_waited_for(house: House, process: Process) -> None:
    task = sync("a", type="signal", config={"name": "${input.name}"}, output_schema=YES)
    execution_id = await process.start(await house.define(task), input={"name": "x"})
    await process.until(execution_id, "a started")
    assert await refusal(process, execution_id, "x", {}) == (Problem("payload", '"yes" is a required property'),)
    await process.controls.signal(CALLER, execution_id, "x", payload_of({"yes": 1}))
    assert (await process.until(execution_id))[-2:] == ["a completed", "completed"]


@pytest.mark.parametrize("before", [(), (sync("first", type="staged"),)], ids=["waits", "will wait"])
async def test_a_payload_that_breaks_the_schema_is_refused_and_ends_nothing(
    house: House, process: Process, before: Any
) -> None:
    schema = {"type": "object", "properties": {"by": {"type": "string"}}}
    execution_id = await begun(house, process, *before, waiting("a", schema=schema))
    assert await refusal(process, execution_id, "go", {"by": 7}) == (
        Problem("payload.by", '7 is not of type "string"'),
    )
    if before:
        (await house.stage.entered("first")).succeed()
    await process.controls.signal(CALLER, execution_id, "go", payload_of({"by": "Ada"}))
    assert (await process.until(execution_id))[-2:] == ["a completed", "completed"]


async def test_of_several_tasks_each_takes_the_oldest_signal_that_it_can(house: House, process: Process) -> None:
    tasks = (side_by_side("a", schema=YES), side_by_side("b", schema=NO), side_by_side("c"))
    execution_id = await process.start(await house.define(*tasks))
    await process.until(execution_id, "c started")
    await process.controls.pause(CALLER, execution_id, "")
    for payload in ({"no": 1}, {"yes": 2}, {"no": 3}):
        await process.controls.signal(CALLER, execution_id, "go", payload_of(payload))
    await process.until(execution_id, "c completed")
    assert await outputs(process, execution_id) == {"a": '{"yes":2}', "b": '{"no":1}', "c": '{"no":3}'}


async def test_what_does_not_fit_the_first_task_is_kept_for_the_next(house: House, process: Process) -> None:
    execution_id = await begun(house, process, waiting("a", schema=YES), waiting("b", schema=NO))
    await process.controls.signal(CALLER, execution_id, "go", payload_of({"no": 1}))
    await process.controls.signal(CALLER, execution_id, "go", payload_of({"yes": 2}))
    assert (await process.until(execution_id))[-1] == "completed"
    assert await outputs(process, execution_id) == {"a": '{"yes":2}', "b": '{"no":1}'}


async def test_a_payload_that_only_an_ended_task_could_take_is_refused(house: House, process: Process) -> None:
    execution_id = await begun(house, process, waiting("a"), waiting("b", schema=YES))
    await process.controls.signal(CALLER, execution_id, "go", payload_of("anything"))
    await process.until(execution_id, "b started")
    assert await refusal(process, execution_id, "go", "anything") == (
        Problem("payload", '"anything" is not of type "object"'),
    )
    await process.controls.signal(CALLER, execution_id, "go", payload_of({"yes": 1}))
    assert (await process.until(execution_id))[-1] == "completed"


async def test_an_execution_that_has_ended_refuses_every_signal_for_that_reason(house: House, process: Process) -> None:
    execution_id = await process.start(await house.define(sync("a")))
    await process.until(execution_id)
    with pytest.raises(WrongState):
        await process.controls.signal(CALLER, execution_id, "unknown", payload_of(1))


async def test_a_signal_that_comes_during_a_pause_completes_the_task_before_its_time_is_up(
    house: House, process: Process
) -> None:
    task = waiting("a", timeout_seconds=60)
    execution_id = await begun(house, process, task, sync("b", type="staged"))
    await process.controls.pause(CALLER, execution_id, "")
    await process.until(execution_id, "paused")
    await process.controls.signal(CALLER, execution_id, "go", payload_of(1))
    seen = await process.until(execution_id, "a completed")
    assert seen[-3:] == ["paused", "signal_received", "a completed"]
    house.clock.advance(61)
    await process.controls.resume(CALLER, execution_id, "")
    (await house.stage.entered("b")).succeed()
    assert (await process.until(execution_id))[-4:] == ["resumed", "b started", "b completed", "completed"]


async def test_a_signal_that_was_kept_by_an_older_version_is_taken_when_the_time_is_up() -> None:
    """Such a history has the signal and the wait, in a pause whose execution is parked until the wait ends."""
    house = House(handlers={"signal": SignalHandler()}, park_after_seconds=0)
    async with house.process() as process:
        execution_id = await begun(house, process, waiting("a", timeout_seconds=60))
        await process.controls.pause(CALLER, execution_id, "")
        await process.until(execution_id, "paused")
        await process.idle()
    history = house.history(execution_id)
    received = history[-1]._replace(
        sequence=len(history) + 1, type=EventType.SIGNAL_RECEIVED, data='{"name":"go","payload":5}'
    )
    house.database.histories[execution_id].append(received)
    house.clock.advance(61)
    async with house.process() as process:
        assert (await process.until(execution_id, "a completed", "a failed"))[-1] == "a completed"
        assert await outputs(process, execution_id) == {"a": "5"}


async def test_a_wait_that_ends_by_its_time_takes_no_signal_that_it_cannot_use(house: House, process: Process) -> None:
    config = {"signal": "go", "seconds": 10}
    tasks = (sync("a", type="any", config=config, output_schema={"type": "string"}), waiting("b"))
    execution_id = await begun(house, process, *tasks)
    await process.controls.signal(CALLER, execution_id, "go", payload_of(7))
    await process.until(execution_id, "signal_received")
    house.clock.advance(11)
    await process.controls.pause(CALLER, execution_id, "")
    await process.controls.resume(CALLER, execution_id, "")
    assert (await process.until(execution_id))[-1] == "completed"
    assert await outputs(process, execution_id) == {"a": '"default"', "b": "7"}
