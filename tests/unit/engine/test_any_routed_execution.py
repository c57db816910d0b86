"""Wherever the conditions lead and whatever happens, an execution ends once, and its history keeps the rules."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.checking.history import HistoryCheck
from app.checking.task_order import task_order
from app.domain.definitions import RetryPolicy, Workflow
from app.domain.events import Event, EventType
from app.domain.handlers import TaskError
from app.domain.routing import END, Condition, RouteOutcome
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.decider import decide
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.outcomes import Failed, Succeeded
from app.engine.deciding.state import ExecutionState, fold
from app.engine.deciding.transitions import draft_of_command, draft_of_outcome, drafts_of_control, drafts_of_resuming
from app.engine.planning.plan import Plan, compile_plan
from app.engine.ports import CANCEL, PAUSE, RESUME, SKIP, ControlCommand
from tests.support.histories import NOON, at
from tests.support.outlined_histories import check_view
from tests.support.routed import of_tasks, tasks
from tests.support.state_contents import contents

LOSSES = 3
WELL = (EventType.TASK_COMPLETED, EventType.TASK_SKIPPED)
ENDS = (*WELL, EventType.TASK_FAILED, EventType.TASK_CANCELLED)


@st.composite
def flows(draw: st.DrawFn) -> Workflow:
    """Up to six tasks, with conditions from any to any, or none."""
    names = [f"t{number}" for number in range(draw(st.integers(1, 6)))]
    targets = st.sampled_from([*names, END])
    conditions = tuple(
        Condition(f"c {name}", name, draw(st.sampled_from(RouteOutcome)), draw(targets), draw(targets))
        for name in draw(st.permutations(names))
        if draw(st.integers(0, 4))
    )
    steps = tasks(" ".join(names), retry=RetryPolicy(max_attempts=draw(st.integers(1, 3))))
    return of_tasks(steps, conditions, draw(st.sampled_from(names)), draw(st.integers(1, 6)))


@dataclass
class Execution:
    """Drives the pure parts as the runner does, with outcomes by chance, through lost engines and requests."""

    plan: Plan
    chance: Random
    events: list[Event] = field(default_factory=list)
    losses: int = 0

    def run(self) -> list[Event]:
        self.state = ExecutionState(self.plan)
        self.advance(Draft(EventType.EXECUTION_CREATED), Draft(EventType.EXECUTION_STARTED))
        while not self.state.is_final:
            assert len(self.state.open) + len(self.state.ready) <= 1 or self.state.is_stopping
            self.advance(*self.happening())
            assert len(self.events) < 2_000, "goes on for ever"
        return self.events

    def advance(self, *drafts: Draft) -> None:
        for draft in drafts:
            self.take_up(draft)
        while followed := [d for command in decide(self.state) if (d := draft_of_command(self.state, command, 1_000))]:
            for draft in followed:
                self.take_up(draft)

    def take_up(self, draft: Draft) -> None:
        self.events.append(take(self.state, draft, at(len(self.events))))

    def happening(self) -> tuple[Draft, ...]:
        assert self.state.open or self.state.is_paused, "waits for nothing"
        if self.chance.random() < 0.05 and self.losses < LOSSES:
            self.losses += 1
            return self.next_engine()
        if self.state.is_paused and (not self.state.open or self.chance.random() < 0.3):
            return self.asked(RESUME)
        if self.chance.random() < 0.1:
            kind = self.chance.choice([CANCEL, PAUSE, PAUSE, SKIP, SKIP, SKIP])
            return self.asked(kind, name=self.chance.choice(self.plan.tasks).name)
        return self.goes_on(next(iter(self.state.open)))

    def goes_on(self, index: int) -> tuple[Draft, ...]:
        task = self.state.tasks[index]
        if task.status is TaskStatus.RETRYING:
            return () if self.state.is_paused else (Draft(EventType.TASK_STARTED, index, task.attempt + 1),)
        fails = self.chance.random() < 0.4
        outcome = Failed(TaskError("broken", "it broke")) if fails else Succeeded('"fine"')
        return (draft_of_outcome(self.state, index, outcome, NOON, self.chance.random()),)

    def asked(self, kind: str, **more) -> tuple[Draft, ...]:
        return tuple(drafts_of_control(self.state, ControlCommand(1, uuid4(), kind, "enough", **more)))

    def next_engine(self) -> tuple[Draft, ...]:
        """It knows nothing but the history."""
        before, self.state = self.state, fold(self.plan, self.events)
        assert contents(self.state) == contents(before), "what was made here is what is read from the store"
        return tuple(drafts_of_resuming(self.state, None, NOON, LOSSES + 1))


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(flows(), st.builds(Random, st.integers(0, 2**32)))
def test_every_execution_ends_once_and_by_the_rules(workflow: Workflow, chance: Random) -> None:
    events = Execution(compile_plan(workflow), chance).run()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert [event.type.is_final for event in events] == [False] * (len(events) - 1) + [True]
    percents = [event.progress_percent for event in events]
    assert percents == sorted(percents)
    check_way(workflow, events)
    assert findings(workflow, events) == []
    check_some_view(workflow, compile_plan(workflow), events, chance)
    check_some_view(workflow, compile_plan(workflow), events, chance)


def check_some_view(workflow: Workflow, plan: Plan, events: list[Event], chance: Random) -> None:
    """Of a part of the history, as a page sees it while the execution runs."""
    seen = events[: chance.randint(0, len(events))]
    asyncio.run(check_view(workflow, fold(plan, seen), seen))


def findings(workflow: Workflow, events: list[Event]) -> list[str]:
    check = HistoryCheck(uuid4(), task_order(workflow))
    for event in events:
        check.take(event)
    return [str(finding) for finding in check.found]


def check_way(workflow: Workflow, events: list[Event]) -> None:
    """Each end of a task leads to the one that the condition names, straight from the definition."""
    names = {task.id: task.name for task in workflow.tasks}
    ends = [(names[event.task_id or 0], event.type) for event in events if event.type in ENDS]
    way = [name for name, _ in ends]
    due = workflow.start_task
    for name, kind in ends:
        assert name == due
        due = target(workflow, name, kind)
    assert max((way.count(name) for name in way), default=0) <= (workflow.max_visits or 0)
    status = events[-1].status
    if status is ExecutionStatus.COMPLETED:
        assert due == END
        assert ends[-1][1] in WELL
    elif status is ExecutionStatus.FAILED and due != END:
        assert way.count(str(due)) == workflow.max_visits
    elif status is ExecutionStatus.FAILED:
        assert ends[-1][1] is EventType.TASK_FAILED


def target(workflow: Workflow, name: str, kind: EventType) -> str:
    for condition in workflow.conditions:
        if condition.source_task == name and kind is not EventType.TASK_CANCELLED:
            well = kind in WELL
            wanted = {RouteOutcome.SUCCESS: well, RouteOutcome.FAILURE: not well, RouteOutcome.ANY: True}
            return condition.target_task_success if wanted[condition.outcome] else condition.target_task_failure
    return END
