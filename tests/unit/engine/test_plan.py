"""Plans: what is compiled, and how long it is kept."""

import pytest

from app.background.turns import Turns
from app.domain.definitions import RetryPolicy, Task
from app.domain.errors import Invalid
from app.domain.refs import Ref
from app.engine.planning.plan import NO_RETRY, compile_plan
from app.engine.planning.plans import Plans
from app.engine.ports import OwnedRevision
from tests.support.stories import parallel, plan_of, sync, workflow_of


class Reader:
    """Knows revisions 1 … 9 of workflow 1 and counts the questions."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    async def current(self, ref: Ref) -> tuple[int, int] | None:
        raise NotImplementedError

    async def revision(self, tenant_id: int, workflow_id: int, revision: int) -> OwnedRevision | None:
        self.asked.append((workflow_id, revision))
        if workflow_id != 1 or revision > 9:
            return None
        return OwnedRevision("sales", workflow_of(sync("a"), revision=revision))


def test_tasks_keep_their_order_and_options() -> None:
    retry = RetryPolicy(max_attempts=3)
    plan = plan_of(sync("a", type="http", config={"n": 1}, timeout_seconds=2.5), parallel("b", retry=retry))
    first, second = plan.tasks
    assert (first.index, first.id, first.name, first.type) == (0, 101, "a", "http")
    assert (first.config, first.timeout_seconds, first.retry) == ({"n": 1}, 2.5, NO_RETRY)
    assert (second.index, second.id, second.type, second.retry) == (1, 102, None, retry)
    assert plan.index_of == {101: 0, 102: 1}
    assert (plan.task_name(102), plan.task_name(None)) == ("b", None)


@pytest.mark.parametrize(
    ("tasks", "last"),
    [
        ((), ()),
        ((sync("a"),), (0,)),
        ((sync("a"), sync("b")), (1,)),
        ((sync("a"), parallel("b"), parallel("c")), (1, 2)),
        ((parallel("a"), parallel("b"), parallel("c", 1), parallel("d", 1)), (2, 3)),
        ((sync("a"), sync("b", depends_on=())), (0, 1)),
    ],
)
def test_the_last_tasks_are_those_that_nothing_waits_for(tasks, last) -> None:
    assert plan_of(*tasks).last == last


def test_a_cycle_cannot_be_compiled() -> None:
    with pytest.raises(Invalid):
        compile_plan(workflow_of(sync("a", depends_on=("b",)), sync("b", depends_on=("a",))))


async def test_a_revision_is_read_and_compiled_once() -> None:
    reader = Reader()
    plans = Plans(reader, Turns())
    first = await plans.get(1, 1, 3)
    assert first is not None
    assert first.revision == 3
    assert await plans.get(1, 1, 3) is first
    assert reader.asked == [(1, 3)]


async def test_a_missing_revision_is_asked_for_again() -> None:
    reader = Reader()
    plans = Plans(reader, Turns())
    assert await plans.get(1, 1, 99) is None
    assert await plans.get(1, 1, 99) is None
    assert reader.asked == [(1, 99), (1, 99)]


async def test_the_least_recently_used_plan_makes_room() -> None:
    reader = Reader()
    plans = Plans(reader, Turns(), limit=2)
    for revision in (1, 2, 1, 3, 1, 2):
        await plans.get(1, 1, revision)
    assert reader.asked == [(1, 1), (1, 2), (1, 3), (1, 2)]


def test_a_task_without_a_type_runs_with_what_a_log_can_use() -> None:
    own = {"url": "${", "message": 5, "fields": {"n": "${input.n}"}}
    (task,) = plan_of(Task("a", config=own)).tasks
    assert task.config == {"fields": {"n": "${input.n}"}}
    assert (task.flow.fault, len(task.flow.config.expressions)) == (None, 1)

    (task,) = plan_of(Task("a", config={"message": "hello", "foo": 1})).tasks
    assert task.config == {"message": "hello"}

    (task,) = plan_of(Task("a", type="http", config=own)).tasks
    assert task.config == own
