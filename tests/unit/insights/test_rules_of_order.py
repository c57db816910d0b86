"""The rule that frees a task from another one: what is saved, and which orders stay."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.definitions import ExecutionType, Task
from app.domain.documents import workflow_document, workflow_from_document
from app.domain.graph import build_graph, tasks_before
from app.insights.definition import Definition, reads_only
from app.insights.patches import applied
from app.insights.rules import side_by_side
from app.insights.samples import Sample
from tests.support.samples import NOW, attempt, execution, run, workflow_of

SECONDS = {"a": 2.0, "b": 3.0, "c": 1.0, "d": 1.0}


def task(name: str, sequence: int, uses: tuple[str, ...] = (), **fields: Any) -> Task:
    config = {"url": "https://example.com/" + "".join(f"${{tasks.{one}.output.body}}" for one in uses)}
    return Task(name, sequence=sequence, type="http", config=config, id=ord(name), **fields)


def sample(*tasks: Task, count: int = 40) -> Sample:
    workflow = workflow_of(*tasks)
    executions = []
    for number in range(count):
        at = start = NOW - 86_400 + 600 * number
        runs = {}
        for one in tasks:
            seconds = SECONDS[one.name] * (1 + (number % 7) / 50)
            runs[one.id] = [run(attempt(at=at, seconds=seconds))]
            at += seconds
        executions.append(execution(number, runs, start))
    return Sample(workflow, executions, (), NOW)


def found(*tasks: Task, **options: Any) -> dict[str, Any]:
    """Findings that hold, by the name of the freed task."""
    taken = sample(*tasks, **options)
    findings = side_by_side.look(taken, Definition(taken.workflow))
    return {one.task.name: one for one in findings if one.holds and one.task is not None}


def test_a_task_that_uses_nothing_of_the_one_before_could_run_beside_it() -> None:
    tasks = (task("a", 1), task("b", 2), task("c", 3, ("a", "b")))
    finding = found(*tasks)["b"]
    assert finding.evidence.facts["first"] == "a"
    assert finding.evidence.estimate == pytest.approx(2.0, rel=0.1)
    document = workflow_document(workflow_of(*tasks))
    after = workflow_from_document(applied(finding.patch, document))
    assert [one.depends_on for one in after.tasks] == [None, (), None]


def test_a_task_that_uses_the_output_stays() -> None:
    assert found(task("a", 1), task("b", 2, ("a",)), task("c", 3, ("b",))) == {}


def test_a_task_after_it_that_uses_the_output_keeps_its_order() -> None:
    """In one group of sync tasks, c would no longer wait for b if b leaves the chain."""
    tasks = (task("a", 1), task("b", 1), task("c", 1, ("a", "b")), task("d", 2, ("c",)))
    finding = found(*tasks)["b"]
    changed = workflow_from_document(applied(finding.patch, workflow_document(workflow_of(*tasks)))).tasks
    before, after = (tasks_before(build_graph(some), some) for some in (tasks, changed))
    assert after[1] == 0
    assert (after[0], after[2], after[3]) == (before[0], before[2], before[3])


@pytest.mark.parametrize(
    "changes", [{"config": {"url": "https://example.com", "method": "POST"}}, {"type": "python"}, {"type": "signal"}]
)
def test_what_changes_something_is_never_moved(changes: dict[str, Any]) -> None:
    moved = replace(task("b", 2), **changes)
    assert not reads_only(moved)
    assert "b" not in found(task("a", 1), moved, replace(task("c", 3, ("a",)), type="kafka"))


def test_an_order_that_someone_has_written_down_stays() -> None:
    assert found(task("a", 1), task("b", 2, depends_on=("a",)), task("c", 3, ("a", "b"))) == {}


def test_the_output_of_the_execution_stays_the_same() -> None:
    """Without the order, a would be a last task, too."""
    assert found(task("a", 1), task("b", 2)) == {}


def test_little_is_not_worth_it() -> None:
    SECONDS["a"] = 0.4
    try:
        assert found(task("a", 1), task("b", 2), task("c", 3, ("a", "b"))) == {}
    finally:
        SECONDS["a"] = 2.0


def test_few_executions_say_nothing() -> None:
    assert found(task("a", 1), task("b", 2), task("c", 3, ("a", "b")), count=29) == {}


def test_paused_executions_and_reused_completions_are_not_replayed() -> None:
    taken = sample(task("a", 1), task("b", 2), task("c", 3, ("a", "b")))
    marked = [replace(one, was_paused=True) for one in taken.executions[:6]]
    marked += [replace(one, reused=frozenset({97})) for one in taken.executions[6:12]]
    rest = replace(taken, executions=[*marked, *taken.executions[12:]])
    assert list(side_by_side.look(rest, Definition(taken.workflow))) == []


def test_what_runs_beside_others_already_saves_nothing() -> None:
    side = {"execution_type": ExecutionType.ASYNC}
    assert found(task("a", 1, **side), task("b", 1, **side), task("c", 2, ("a", "b"))) == {}
