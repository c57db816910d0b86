"""Whatever the workflow and whatever happens, an execution ends once, and its history keeps the rules."""

from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.definitions import ExecutionType, RetryPolicy, Task
from app.domain.events import Event, EventType
from app.domain.handlers import TaskError
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.decider import StopAttempt, decide
from app.engine.drafts import Draft, next_event
from app.engine.outcomes import Failed, Outcome, Stopped, Succeeded
from app.engine.plan import Plan, compile_plan
from app.engine.ports import CANCEL, ControlCommand
from app.engine.state import ExecutionState, fold
from app.engine.transitions import draft_of_command, draft_of_outcome, drafts_of_control, drafts_of_resuming
from tests.support.histories import NOON, at
from tests.support.stories import workflow_of

ENDS = {EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED}
LOSSES = 3


@st.composite
def workflows(draw: st.DrawFn) -> list[Task]:
    """Up to eight tasks in up to four groups; a list of dependencies names only what can come before."""
    shapes = draw(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(ExecutionType), st.integers(1, 3)), max_size=8))
    free = [draw(st.booleans()) if index else False for index in range(len(shapes))]
    return [
        Task(
            f"t{index}",
            kind,
            sequence=group,
            retry=RetryPolicy(max_attempts=attempts),
            depends_on=tuple(draw(st.sets(st.sampled_from(before)))) if free[index] and before else None,
        )
        for index, (group, kind, attempts) in enumerate(shapes)
        for before in [_possible(shapes, free, index)]
    ]


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
        event = next_event(self.state, draft, at(len(self.events)))
        self.state.apply(event)
        self.events.append(event)

    def happening(self) -> tuple[Draft, ...]:
        assert self.state.open, "waits for nothing"
        if self.chance.random() < 0.05 and self.losses < LOSSES:
            self.losses += 1
            return self.next_engine()
        if self.chance.random() < 0.05:
            return tuple(drafts_of_control(self.state, ControlCommand(1, uuid4(), CANCEL, "enough")))
        index = self.chance.choice(list(self.state.open))
        task = self.state.tasks[index]
        if task.status is TaskStatus.RETRYING:
            return (Draft(EventType.TASK_STARTED, index, task.attempt + 1),)
        if self.chance.random() < 0.2:
            report = f'{{"message":"","percent":{self.chance.randint(0, 100)}}}'
            return (Draft(EventType.TASK_PROGRESSED, index, task.attempt, report),)
        return (draft_of_outcome(self.state, index, self.outcome(index), NOON, self.chance.random()),)

    def next_engine(self) -> tuple[Draft, ...]:
        """It knows nothing but the history."""
        before, self.state = self.state, fold(self.plan, self.events)
        assert (self.state.open, self.state.ready, self.state.progress) == (before.open, before.ready, before.progress)
        return tuple(drafts_of_resuming(self.state, None, NOON))

    def outcome(self, index: int) -> Outcome:
        if index in self.told_to_stop and self.chance.random() < 0.7:
            return Stopped()
        if self.chance.random() < 0.7:
            return Succeeded('"fine"')
        return Failed(TaskError("broken", "it broke", retryable=self.chance.random() < 0.8))


@settings(max_examples=300, deadline=None)
@given(workflows(), st.randoms(use_true_random=False))
def test_every_execution_ends_once_and_by_the_rules(tasks, chance) -> None:
    workflow = workflow_of(*tasks)
    events = Execution(compile_plan(workflow), chance).run()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.type.is_final for event in events] == [False] * (len(events) - 1) + [True]
    check_order(workflow.tasks, events)
    check_attempts(events)
    check_stopping(events)
    check_progress(events)
    check_end(workflow.tasks, events)


def check_order(tasks: tuple[Task, ...], events: list[Event]) -> None:
    completed: set[str] = set()
    running: set[str] = set()
    by_id = {task.id: task for task in tasks}
    for event in events:
        task = by_id.get(event.task_id or 0)
        if task is not None and event.type is EventType.TASK_STARTED:
            assert predecessors(task, tasks) <= completed
            assert not running & {other.name for other in tasks if are_chained(task, other)}
            running.add(task.name)
        elif task is not None and event.type in ENDS:
            running.discard(task.name)
            if event.type is EventType.TASK_COMPLETED:
                completed.add(task.name)


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
    ended = [(e.task_id, e.attempt) for e in events if e.type in ENDS | {EventType.TASK_RETRYING}]
    assert len(set(started)) == len(started)
    waited = [(e.task_id, e.attempt) for e in events if e.type is EventType.TASK_RETRYING]
    cancelled_while_waiting = [
        (e.task_id, e.attempt)
        for e in events
        if e.type is EventType.TASK_CANCELLED and (e.task_id, e.attempt) in waited
    ]
    assert sorted(ended) == sorted(started + cancelled_while_waiting)


def check_stopping(events: list[Event]) -> None:
    """After a failure or a request to cancel nothing starts."""
    stops = [e.sequence for e in events if e.type in (EventType.TASK_FAILED, EventType.CANCEL_REQUESTED)]
    starts = [e.sequence for e in events if e.type is EventType.TASK_STARTED]
    assert not stops or not starts or max(starts) < min(stops)


def check_progress(events: list[Event]) -> None:
    percents = [event.progress_percent for event in events]
    assert percents == sorted(percents)
    assert all(0 <= percent <= 100 for percent in percents)
    assert events[-1].status is not ExecutionStatus.COMPLETED or percents[-1] == 100


def check_end(tasks: tuple[Task, ...], events: list[Event]) -> None:
    seen = {event.type for event in events}
    completed = [event.task_id for event in events if event.type is EventType.TASK_COMPLETED]
    assert len(set(completed)) == len(completed)
    match events[-1].status:
        case ExecutionStatus.COMPLETED:
            assert len(completed) == len(tasks)
        case ExecutionStatus.FAILED:
            assert EventType.TASK_FAILED in seen
        case ExecutionStatus.CANCELLED:
            assert EventType.CANCEL_REQUESTED in seen
