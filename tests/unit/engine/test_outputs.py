"""What tasks hand on."""

from datetime import UTC, datetime

import pytest

from app.domain.events import EventType
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.outputs import Outputs
from app.engine.deciding.state import ExecutionState
from tests.support.stories import parallel, plan_of, sync

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def completed(state: ExecutionState, *outputs: str | None) -> ExecutionState:
    """The first tasks of the plan have completed with these outputs."""
    drafts = [Draft(EventType.EXECUTION_STARTED)]
    for index, output in enumerate(outputs):
        drafts += [Draft(EventType.TASK_STARTED, index, 1), Draft(EventType.TASK_COMPLETED, index, 1, output)]
    for draft in (Draft(EventType.EXECUTION_CREATED), *drafts):
        take(state, draft, NOW)
    return state


GROUPS = plan_of(sync("a"), parallel("b"), parallel("c"), sync("d", 1), parallel("e", 2, depends_on=("b",)))


@pytest.mark.parametrize(("index", "names"), [(0, []), (1, ["a"]), (2, ["a"]), (3, ["a", "b", "c"]), (4, ["a", "b"])])
def test_a_task_sees_what_must_have_completed_before_it_and_no_more(index: int, names: list[str]) -> None:
    outputs = Outputs(completed(ExecutionState(GROUPS), '{"n":1}', "[2]", None, "4"), index)

    assert list(outputs) == names
    assert len(outputs) == len(names)
    assert dict(outputs) == {name: {"a": {"n": 1}, "b": [2], "c": None}[name] for name in names}


def test_a_task_beside_it_is_not_there_although_it_has_ended() -> None:
    outputs = Outputs(completed(ExecutionState(GROUPS), "1", "2"), 2)

    with pytest.raises(KeyError):
        outputs["b"]
    with pytest.raises(KeyError):
        outputs["nobody"]


def test_the_executions_output_is_that_of_the_last_tasks_without_nulls() -> None:
    plan = plan_of(sync("a"), parallel('b"c'), parallel("d"))

    assert completed(ExecutionState(plan), "1", '{"x":1.0}', None).course.output(100) == '{"b\\"c":{"x":1.0}}'
    assert completed(ExecutionState(plan), "1", None, None).course.output(100) is None


def test_an_output_over_the_limit_stays_with_the_tasks() -> None:
    plan = plan_of(parallel("a"), parallel("b"))
    state = completed(ExecutionState(plan), '"xxxx"', '"yyyy"')
    whole = state.course.output(100)

    assert whole is not None
    assert state.course.output(len(whole)) == whole
    assert state.course.output(len(whole) - 1) is None
