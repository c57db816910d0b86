"""R3: a task waits for another one by the order of the groups alone, and could run beside it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from app.domain.definitions import Task
from app.domain.documents import task_document
from app.domain.errors import Invalid
from app.domain.graph import Graph, build_graph, tasks_before
from app.insights.definition import Definition, reads_only, waiting_for
from app.insights.findings import Finding, evidence_of, seconds
from app.insights.ranks import median_below, mostly_above, thinned
from app.insights.samples import Execution, Outcome, Sample
from app.insights.suggestions import Patch, Rule

FORMULA = "run_side_by_side/1: signed ranks of replayed critical paths"
LEAST_EXECUTIONS = 30
LEAST_SECONDS, LEAST_SHARE = 0.5, 0.1
MOST_TASKS, MOST_PAIRS, MOST_CHANGES = 200, 50, 10
MOST_REPLAYS = 300


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two tasks, and the tasks of the workflow with the later one freed from the earlier one."""

    first: int
    second: int
    tasks: tuple[Task, ...]


def look(sample: Sample, definition: Definition) -> Iterator[Finding]:
    """One finding for each task that could start earlier: the pair that saves most."""
    workflow = sample.workflow
    if workflow.start_task is not None or not 2 <= len(workflow.tasks) <= MOST_TASKS:
        return
    replayed = thinned_executions(sample, definition)
    if len(replayed) < LEAST_EXECUTIONS:
        return
    times = [_times(execution, workflow.tasks) for execution in replayed]
    before = [longest_path(definition.graph, one) for one in times]
    best: dict[int, Finding] = {}
    for pair in _pairs(definition):
        found = _finding(sample, pair, times, before)
        known = best.get(pair.second)
        if known is None or found.evidence.estimate > known.evidence.estimate:
            best[pair.second] = found
    yield from best.values()


def thinned_executions(sample: Sample, definition: Definition) -> Sequence[Execution]:
    """Completed executions, without pauses and reused completions, in which every task has ended well."""
    wanted = [task.id for task in definition.workflow.tasks if task.name not in definition.compensations]
    fitting = [one for one in sample.executions if one.completed and not one.was_paused and not one.reused]
    fitting = [one for one in fitting if all(_is_whole(one, task_id) for task_id in wanted)]
    places = thinned([float(i) for i in range(len(fitting))], MOST_REPLAYS)
    return [fitting[int(place)] for place in places]


def _is_whole(execution: Execution, task_id: int) -> bool:
    runs = execution.runs.get(task_id, ())
    lost = any(attempt.outcome is Outcome.LOST for run in runs for attempt in run.attempts)
    return len(runs) == 1 and runs[0].ended_at is not None and not lost


def longest_path(graph: Graph, times: Sequence[float]) -> float:
    """How long an execution takes whose tasks take these times and start as soon as they may."""
    missing, ends = list(graph.predecessor_counts), [0.0] * len(graph.successors)
    ready = [node for node, count in enumerate(missing) if count == 0]
    latest = 0.0
    while ready:
        node = ready.pop()
        end = ends[node] + (times[node] if node < graph.task_count else 0.0)
        latest = max(latest, end)
        for successor in graph.successors[node]:
            ends[successor] = max(ends[successor], end)
            missing[successor] -= 1
            if missing[successor] == 0:
                ready.append(successor)
    return latest


def _times(execution: Execution, tasks: Sequence[Task]) -> list[float]:
    return [runs[0].seconds if (runs := execution.runs.get(task.id)) else 0.0 for task in tasks]


def _pairs(definition: Definition) -> Iterator[_Pair]:
    count, direct = 0, definition.direct()
    for second, task in enumerate(definition.workflow.tasks):
        if task.depends_on is not None or not reads_only(task) or task.name in definition.compensations:
            continue
        for first in sorted(direct[second]):
            if count == MOST_PAIRS:
                return
            count += 1
            named = definition.workflow.tasks[first].name in definition.names[second]
            tasks = None if named else freed(definition, first, second)
            if tasks is not None:
                yield _Pair(first, second, tasks)


def freed(definition: Definition, first: int, second: int) -> tuple[Task, ...] | None:
    """The tasks with the second one no longer waiting for the first one, and all other orders as before.

    None if the second one, or what comes after it alone, uses the output of the first one, or if the first one would
    become a last task, whose output is a part of the execution's.
    """
    tasks, old = definition.workflow.tasks, definition.direct()
    names = [task.name for task in tasks]

    def waiting(changed: tuple[Task, ...], index: int, wanted: set[int]) -> tuple[Task, ...]:
        return waiting_for(changed, index, [names[one] for one in sorted(wanted)])

    try:
        found = waiting(tasks, second, (old[second] - {first}) | old[first])
        graph = build_graph(found)
        before = tasks_before(graph, found)
        for index in _later(definition, second):
            if lost := definition.before[index] & ~before[index]:
                found = waiting(found, index, old[index] | {first} | ({second} if lost >> second & 1 else set()))
                graph = build_graph(found)
                before = tasks_before(graph, found)
    except Invalid:
        return None
    kept = _last(graph) == _last(definition.graph) and _still_known(definition, before, first, second)
    return found if kept else None


def _last(graph: Graph) -> set[int]:
    """The tasks whose outputs are the output of the execution."""
    return {index for index in range(graph.task_count) if not graph.successors[index]}


def _later(definition: Definition, second: int) -> list[int]:
    """The tasks that come after this one, in their order."""
    later = [index for index, mask in enumerate(definition.before) if mask >> second & 1]
    steps = [index for index in later if definition.workflow.tasks[index].name not in definition.compensations]
    return sorted(steps, key=lambda index: definition.before[index].bit_count())


def _still_known(definition: Definition, before: Sequence[int], first: int, second: int) -> bool:
    """Whether each task comes after those that it names, and only the one order is lost."""
    tasks = definition.workflow.tasks
    index_of = {task.name: index for index, task in enumerate(tasks)}
    for index, names in enumerate(definition.names):
        if any(not before[index] >> index_of[name] & 1 for name in names if name in index_of):
            return False
    others = set(range(len(tasks))) - {second} - definition.graph.compensations
    kept = (definition.before[index] & ~before[index] for index in others)
    return not any(kept) and definition.before[second] & ~before[second] == 1 << first


def _finding(sample: Sample, pair: _Pair, times: Sequence[Sequence[float]], before: Sequence[float]) -> Finding:
    graph, tasks = build_graph(pair.tasks), sample.workflow.tasks
    saved = [old - longest_path(graph, one) for old, one in zip(before, times, strict=True)]
    total, low = median(before), median_below(saved)
    limit = max(LEAST_SHARE * total, LEAST_SECONDS)
    first, second = tasks[pair.first].name, tasks[pair.second].name
    patch = _patch(tasks, pair.tasks)
    facts = {"first": first, "execution_seconds": total, "least_seconds": limit}
    return Finding(
        rule=Rule.RUN_SIDE_BY_SIDE,
        workflow=sample.workflow,
        task=tasks[pair.second],
        holds=low is not None and low >= limit and len(patch) <= 3 * MOST_CHANGES,
        evidence=evidence_of(
            sample, FORMULA, (len(saved), None), (median(saved), low, None), mostly_above(saved, limit), facts
        ),
        title=f"Run {second!r} beside {first!r} instead of after it",
        rationale=(
            f"{second!r} waits for {first!r} by the order of the tasks only: nothing that follows from it uses the"
            f" output of {first!r}. Beside it, {seconds(median(saved))} of {seconds(total)} would be saved. The order"
            " of the two is lost; keep it if it matters for a reason that the definition does not show."
        ),
        prediction={"seconds_per_execution": median(saved), "seconds_per_execution_low": low},
        patch=patch,
        seconds_a_day=median(saved) * sample.per_day,
    )


def _patch(old: Sequence[Task], new: Sequence[Task]) -> Patch:
    operations: list[dict[str, Any]] = []
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if before.depends_on != after.depends_on:
            path, was, wanted = f"/tasks/{index}", task_document(before), task_document(after)
            operations += [
                {"op": "test", "path": f"{path}/id", "value": before.id},
                {"op": "test", "path": f"{path}/depends_on", "value": was["depends_on"]},
                {"op": "replace", "path": f"{path}/depends_on", "value": wanted["depends_on"]},
            ]
    return tuple(operations)
