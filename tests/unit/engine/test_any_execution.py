"""Whatever the workflow and whatever happens, an execution ends once, and its history keeps the rules."""

import asyncio
from dataclasses import dataclass, field, replace
from random import Random
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checking.history import HistoryCheck
from app.checking.task_order import task_order
from app.domain.definitions import ExecutionType, OnFailure, RetryPolicy, Task, Workflow
from app.domain.events import Event, EventType
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.decider import StopAttempt, decide
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.event_data import element_data, failure_data, progress_data
from app.engine.deciding.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.deciding.state import ExecutionState, fold
from app.engine.deciding.transitions import draft_of_command, draft_of_outcome, drafts_of_control, drafts_of_resuming
from app.engine.planning.plan import Plan, compile_plan
from app.engine.ports import CANCEL, PAUSE, RESUME, SIGNAL, SKIP, ControlCommand
from tests.support.histories import NOON, at
from tests.support.outlined_histories import check_view
from tests.support.state_contents import contents
from tests.support.stories import workflow_of

ENDS = {EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED, EventType.TASK_SKIPPED}
ELEMENTS = 3
LOSSES = 3


@st.composite
def workflows(draw: st.DrawFn) -> list[Task]:
    """Up to eight tasks in up to four groups, and what undoes them; dependencies name only what can come before."""
    shapes = draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(ExecutionType), st.integers(1, 3)), max_size=8))
    free = [draw(st.booleans()) if index else False for index in range(len(shapes))]
    tasks = [
        Task(
            f"t{index}",
            kind,
            sequence=group,
            retry=RetryPolicy(max_attempts=attempts),
            depends_on=tuple(draw(st.sets(st.sampled_from(before)))) if free[index] and before else None,
            on_failure=draw(st.sampled_from(OnFailure)),
        )
        for index, (group, kind, attempts) in enumerate(shapes)
        for before in [_possible(shapes, free, index)]
    ]
    compensations = [[f"undo t{index} {n}" for n in range(draw(st.integers(0, 2)))] for index in range(len(tasks))]
    undoing = [
        Task(name, ExecutionType.SYNC, sequence=draw(st.integers(0, 3)), retry=RetryPolicy(max_attempts=2))
        for names in compensations
        for name in names
    ]
    return [replace(task, compensate=tuple(c)) for task, c in zip(tasks, compensations, strict=True)] + undoing


def _possible(shapes: list, free: list[bool], own: int) -> list[str]:
    group = shapes[own][0]
    return [
        f"t{index}"
        for index, shape in enumerate(shapes)
        if shape[0] < group or (shape[0] == group and (not free[index] or index < own) and index != own)
    ]


@dataclass
class Execution:
    """Drives the pure parts as the runner does, with outcomes by chance, through lost engines and requests."""

    plan: Plan
    chance: Random
    events: list[Event] = field(default_factory=list)
    told_to_stop: set[int] = field(default_factory=set)
    losses: int = 0

    def run(self) -> list[Event]:
        self.state = ExecutionState(self.plan)
        self.advance(Draft(EventType.EXECUTION_CREATED), Draft(EventType.EXECUTION_STARTED))
        while not self.state.is_final:
            self.advance(*self.happening())
            assert len(self.events) < 1_000, "goes on for ever"
        return self.events

    def advance(self, *drafts: Draft) -> None:
        for draft in drafts:
            self.take_up(draft)
        while followed := [draft for command in decide(self.state) if (draft := self.carry_out(command))]:
            for draft in followed:
                self.take_up(draft)

    def carry_out(self, command) -> Draft | None:
        if isinstance(command, StopAttempt):
            self.told_to_stop.add(command.index)
        return draft_of_command(self.state, command, 1_000)

    def take_up(self, draft: Draft) -> None:
        self.events.append(take(self.state, draft, at(len(self.events))))

    def happening(self) -> tuple[Draft, ...]:
        assert self.state.open or self.state.is_paused, "waits for nothing"
        if self.chance.random() < 0.05 and self.losses < LOSSES:
            self.losses += 1
            return self.next_engine()
        if self.state.is_paused and (not self.state.open or self.chance.random() < 0.3):
            return self.asked(RESUME)
        if self.chance.random() < 0.15:
            return self.steered()
        index = self.chance.choice(list(self.state.open))
        task = self.state.tasks[index]
        if task.status is TaskStatus.RETRYING:
            return () if self.state.is_paused else (Draft(EventType.TASK_STARTED, index, task.attempt + 1),)
        if self.chance.random() < 0.3:
            return (self.reported(index),)
        return (draft_of_outcome(self.state, index, self.outcome(index), NOON, self.chance.random()),)

    def reported(self, index: int) -> Draft:
        task = self.state.tasks[index]
        if len(task.elements) < ELEMENTS and self.chance.random() < 0.3:
            output = self.chance.choice([None, '{"a":[1.0]}'])
            element = element_data(len(task.elements), ELEMENTS, output)
            return Draft(EventType.TASK_ITEM_COMPLETED, index, task.attempt, data=element)
        report = progress_data(self.chance.choice([None, self.chance.randint(0, 100)]), "")
        return Draft(EventType.TASK_PROGRESSED, index, task.attempt, data=report)

    def steered(self) -> tuple[Draft, ...]:
        kind = self.chance.choice([CANCEL, PAUSE, SIGNAL, SKIP, SKIP, "timeout"])
        if kind == "timeout":
            late = Draft(EventType.EXECUTION_FAILING, data=failure_data("execution_timeout", "too late"))
            return () if self.state.is_stopping else (late,)
        return self.asked(kind, name=self.chance.choice(self.plan.tasks).name)

    def asked(self, kind: str, **more) -> tuple[Draft, ...]:
        return tuple(drafts_of_control(self.state, ControlCommand(1, uuid4(), kind, "enough", **more)))

    def next_engine(self) -> tuple[Draft, ...]:
        """It knows nothing but the history."""
        before, self.state = self.state, fold(self.plan, self.events)
        assert contents(self.state) == contents(before), "what was made here is what is read from the store"
        return tuple(drafts_of_resuming(self.state, None, NOON, LOSSES + 1))

    def outcome(self, index: int) -> Outcome:
        if index in self.told_to_stop and self.chance.random() < 0.7:
            return Stopped()
        if self.chance.random() < 0.7:
            return Succeeded('"fine"')
        return Failed(TaskError("broken", "it broke", retryable=self.chance.random() < 0.8))


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(workflows(), st.randoms(use_true_random=False))
def test_every_execution_ends_once_and_by_the_rules(tasks, chance) -> None:
    workflow = workflow_of(*tasks)
    events = Execution(compile_plan(workflow), chance).run()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.type.is_final for event in events] == [False] * (len(events) - 1) + [True]
    steps, undoing = steps_and_compensations(workflow.tasks)
    check_order(steps, events)
    check_attempts(events)
    check_stopping(steps, events)
    check_progress(events)
    check_end(steps, events)
    check_compensations(steps, undoing, events)
    assert findings(workflow, events) == []
    check_some_view(workflow, compile_plan(workflow), events, chance)
    check_some_view(workflow, compile_plan(workflow), events, chance)


def steps_and_compensations(tasks: tuple[Task, ...]) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    undoing = {name for task in tasks for name in task.compensate}
    return tuple(t for t in tasks if t.name not in undoing), tuple(t for t in tasks if t.name in undoing)


def check_some_view(workflow: Workflow, plan: Plan, events: list[Event], chance: Random) -> None:
    """Of a part of the history, as a page sees it while the execution runs."""
    seen = events[: chance.randint(0, len(events))]
    asyncio.run(check_view(workflow, fold(plan, seen), seen))


def findings(workflow: Workflow, events: list[Event]) -> list[str]:
    check = HistoryCheck(uuid4(), task_order(workflow))
    for event in events:
        check.take(event)
    return [str(finding) for finding in check.found]


def check_order(tasks: tuple[Task, ...], events: list[Event]) -> None:
    passed: set[str] = set()
    running: set[str] = set()
    by_id = {task.id: task for task in tasks}
    for event in events:
        task = by_id.get(event.task_id or 0)
        if task is not None and event.type is EventType.TASK_STARTED:
            assert predecessors(task, tasks) <= passed
            assert not running & {other.name for other in tasks if are_chained(task, other)}
            running.add(task.name)
        elif task is not None and event.type in ENDS:
            running.discard(task.name)
            if passes(task, event):
                passed.add(task.name)


def passes(task: Task, event: Event) -> bool:
    tolerated = event.type is EventType.TASK_FAILED and task.on_failure is OnFailure.CONTINUE
    return tolerated or event.type in (EventType.TASK_COMPLETED, EventType.TASK_SKIPPED)


def predecessors(task: Task, tasks: tuple[Task, ...]) -> set[str]:
    """Straight from the rules of groups, without the graph."""
    if task.depends_on is not None:
        return set(task.depends_on)
    before = {other.name for other in tasks if other.sequence < task.sequence}
    chain = [o for o in tasks if o.sequence == task.sequence and o.depends_on is None and o.execution_type == "sync"]
    return before | {other.name for other in chain if task.execution_type == "async" or other.id < task.id}


def are_chained(task: Task, other: Task) -> bool:
    pair = (task, other)
    return (
        task is not other
        and task.sequence == other.sequence
        and all(each.execution_type == "sync" and each.depends_on is None for each in pair)
    )


def check_attempts(events: list[Event]) -> None:
    """Each attempt starts once and ends once, with what comes of it."""
    started = [(e.task_id, e.attempt) for e in events if e.type is EventType.TASK_STARTED]
    waiting = {(e.task_id, e.attempt) for e in events if e.type is EventType.TASK_RETRYING}
    ended = [(e.task_id, e.attempt) for e in events if e.type in ENDS and e.attempt]
    assert len(set(started)) == len(started)
    assert sorted([*waiting, *(each for each in ended if each not in waiting)]) == sorted(started)
    assert len(set(ended)) == len(ended)


def check_stopping(steps: tuple[Task, ...], events: list[Event]) -> None:
    """After a failure or a request to cancel no step starts."""
    fatal = {task.id for task in steps if task.on_failure is OnFailure.FAIL}
    asked = (EventType.EXECUTION_FAILING, EventType.CANCEL_REQUESTED)
    failed = [e.sequence for e in events if e.type is EventType.TASK_FAILED and e.task_id in fatal]
    stops = failed + [e.sequence for e in events if e.type in asked]
    own = {task.id for task in steps}
    starts = [e.sequence for e in events if e.type is EventType.TASK_STARTED and e.task_id in own]
    assert not stops or not starts or max(starts) < min(stops)


def check_progress(events: list[Event]) -> None:
    percents = [event.progress_percent for event in events]
    assert percents == sorted(percents)
    assert all(0 <= percent <= 100 for percent in percents)
    assert events[-1].status is not ExecutionStatus.COMPLETED or percents[-1] == 100


def check_end(steps: tuple[Task, ...], events: list[Event]) -> None:
    seen = {event.type for event in events}
    by_id = {task.id: task for task in steps}
    ends = [event for event in events if event.type in ENDS and event.task_id in by_id]
    assert len({event.task_id for event in ends}) == len(ends)
    match events[-1].status:
        case ExecutionStatus.COMPLETED:
            assert [event for event in ends if not passes(by_id[event.task_id or 0], event)] == []
            assert len(ends) == len(steps)
        case ExecutionStatus.FAILED:
            assert seen & {EventType.TASK_FAILED, EventType.EXECUTION_FAILING}
        case ExecutionStatus.CANCELLED:
            assert EventType.CANCEL_REQUESTED in seen


def check_compensations(steps: tuple[Task, ...], undoing: tuple[Task, ...], events: list[Event]) -> None:
    """The latest completion is undone first, each in its own order, and all of that before the end."""
    names = {task.id: task.name for task in undoing}
    skipped = {names.get(e.task_id or 0) for e in events if e.type is EventType.TASK_SKIPPED and not e.attempt}
    by_id = {task.id: task for task in steps}
    completed = [by_id[e.task_id] for e in events if e.type is EventType.TASK_COMPLETED and e.task_id in by_id]
    due = [name for task in reversed(completed) for name in task.compensate if name not in skipped]
    first_starts = [e for e in events if e.type is EventType.TASK_STARTED and e.attempt == 1]
    started = [names[e.task_id] for e in first_starts if e.task_id in names]
    assert started == ([] if events[-1].status is ExecutionStatus.COMPLETED else due)
