"""What undoes what, when, and in which order."""

import pytest

from app.domain.definitions import OnFailure, RetryPolicy
from app.domain.executions import Failure
from app.domain.states import ExecutionStatus
from app.engine.deciding.decider import Finish, StartTask, StopAttempt, decide
from app.engine.deciding.state import IllegalHistory, fold
from tests.support.memory_house import House
from tests.support.stories import parallel, plan_of, story, sync
from tests.support.tenant import CALLER

SOON = RetryPolicy(max_attempts=2, initial_interval_seconds=0)


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


PLAN = plan_of(
    sync("pay", compensate=("refund", "tell")),
    parallel("book", compensate=("unbook",)),
    parallel("mail"),
    sync("ship", 1),
    sync("refund"),
    sync("tell"),
    sync("unbook"),
)
PAY, BOOK, MAIL, SHIP, REFUND, TELL, UNBOOK = range(7)
BEGUN = ("created", "started", "pay started")
FORKED = (*BEGUN, "pay completed", "book started", "mail started")
BROKEN = (*FORKED, "book completed", "mail failed")
UNBOOKED = (*BROKEN, "unbook started", "unbook completed")
FAILURE = Failure("broken", "task 'mail' failed: it broke")


@pytest.mark.parametrize(
    ("words", "commands"),
    [
        (("created", "started"), [StartTask(PAY)]),
        ((*FORKED, "mail failed"), [StopAttempt(BOOK)]),
        ((*FORKED, "mail failed", "book cancelled"), [StartTask(REFUND)]),
        (BROKEN, [StartTask(UNBOOK)]),
        ((*BROKEN, "paused"), []),
        ((*BROKEN, "unbook started"), []),
        ((*BROKEN, "unbook started", "cancel"), []),
        ((*BROKEN, "unbook started", "unbook retrying"), []),
        ((*BROKEN, "unbook started", "unbook failed"), [StartTask(REFUND)]),
        ((*BROKEN, "unbook skipped"), [StartTask(REFUND)]),
        (UNBOOKED, [StartTask(REFUND)]),
        ((*UNBOOKED, "refund started", "refund completed"), [StartTask(TELL)]),
        (
            (*UNBOOKED, "refund started", "refund completed", "tell started", "tell completed"),
            [Finish(ExecutionStatus.FAILED, FAILURE)],
        ),
        ((*FORKED, "book completed", "mail completed", "ship started", "ship completed"),
         [Finish(ExecutionStatus.COMPLETED)]),
        ((*FORKED, "cancel", "book cancelled", "mail cancelled"), [StartTask(REFUND)]),
        ((*FORKED, "paused", "cancel", "book cancelled", "mail cancelled"), [StartTask(REFUND)]),
        ((*BEGUN, "pay completed", "failing"), [StartTask(REFUND)]),
        (("created", "started", "pay skipped", "cancel"), [
            Finish(ExecutionStatus.CANCELLED, Failure("cancelled", "no longer wanted"))]),
    ],
)  # fmt: skip
def test_decisions(words, commands) -> None:
    assert list(decide(fold(PLAN, story(PLAN, *words)))) == commands


@pytest.mark.parametrize(
    "words",
    [
        ("created", "started", "refund started"),
        (*FORKED, "refund started"),
        (*BROKEN, "refund started"),
        (*FORKED, "book completed", "cancel", "unbook started"),
        (*BROKEN, "unbook started", "refund started"),
        (*BROKEN, "paused", "unbook started"),
    ],
)
def test_a_compensation_has_its_turn(words) -> None:
    with pytest.raises(IllegalHistory):
        fold(PLAN, story(PLAN, *words))


def test_what_could_not_be_undone_is_part_of_the_reason() -> None:
    plan = plan_of(sync("pay", compensate=("refund",)), sync("ship"), sync("refund"))
    words = ("created", "started", "pay started", "pay completed", "ship started", "ship failed")
    state = fold(plan, story(plan, *words, "refund started", "refund failed"))
    message = "task 'ship' failed: it broke; compensation 'refund' failed: it broke"
    assert decide(state) == [Finish(ExecutionStatus.FAILED, Failure("broken", message))]


async def test_a_failed_execution_undoes_its_work() -> None:
    house = House()
    async with house.process() as process:
        workflow = await house.define(
            staged("pay", compensate=("refund",)),
            staged("book", compensate=("unbook",)),
            staged("ship", 1),
            staged("refund", retry=SOON),
            staged("unbook"),
        )
        execution_id = await process.start(workflow, input={"order": 7})
        (await house.stage.entered("pay")).succeed({"receipt": "r-1"})
        (await house.stage.entered("book")).succeed({"seat": "12A"})
        (await house.stage.entered("ship")).fail()
        unbook = await house.stage.entered("unbook")
        assert dict(unbook.attempt.upstream) == {"pay": {"receipt": "r-1"}, "book": {"seat": "12A"}}
        unbook.succeed()
        refund = await house.stage.entered("refund")
        assert (refund.attempt.input, dict(refund.attempt.upstream)) == ({"order": 7}, {"pay": {"receipt": "r-1"}})
        refund.fail()
        (await house.stage.entered("refund", 2)).succeed()
        seen = await process.until(execution_id)
        assert seen[6:] == [
            "ship started", "ship failed", "unbook started", "unbook completed", "refund started", "refund retrying",
            "refund started/2", "refund completed/2", "failed",
        ]  # fmt: skip
        assert (await process.executions.get(CALLER, execution_id)).output is None


async def test_a_lost_engine_does_not_end_the_undoing() -> None:
    house = House()
    async with house.process() as first:
        workflow = await house.define(staged("pay", compensate=("refund",)), staged("ship"), staged("refund"))
        execution_id = await first.start(workflow)
        (await house.stage.entered("pay")).succeed()
        (await house.stage.entered("ship")).fail()
        await house.stage.entered("refund")
        await first.kill()
    house.clock.advance(60)
    async with house.process() as second:
        (await house.stage.entered("refund", 2)).succeed()
        seen = await second.until(execution_id)
    assert seen[-4:] == ["refund retrying", "refund started/2", "refund completed/2", "failed"]


async def test_the_output_and_the_progress_are_those_of_the_steps() -> None:
    house = House()
    async with house.process() as process:
        workflow = await house.define(sync("pay", config={"output": 1}, compensate=("refund",)), sync("refund"))
        execution_id = await process.start(workflow)
        assert (await process.until(execution_id))[2:] == ["pay started", "pay completed", "completed"]
        assert (await process.executions.get(CALLER, execution_id)).output == '{"pay":1}'
        assert [event.progress_percent for event in house.history(execution_id)] == [0, 0, 0, 100, 100]


# on_failure: continue


async def test_an_execution_goes_on_behind_a_task_that_may_fail() -> None:
    house = House()
    async with house.process() as process:
        workflow = await house.define(
            staged("a", on_failure=OnFailure.CONTINUE, retry=SOON, compensate=("undo",)), staged("b"), staged("undo")
        )
        execution_id = await process.start(workflow)
        (await house.stage.entered("a", 1)).fail()
        (await house.stage.entered("a", 2)).fail()
        b = await house.stage.entered("b")
        assert dict(b.attempt.upstream) == {"a": None}
        b.succeed(2)
        seen = await process.until(execution_id)
        assert seen[2:] == [
            "a started", "a retrying", "a started/2", "a failed/2", "b started", "b completed", "completed",
        ]  # fmt: skip
        execution = await process.executions.get(CALLER, execution_id)
        assert (execution.output, execution.failure) == ('{"b":2}', None)
        assert house.history(execution_id)[-3].progress_percent == 50
