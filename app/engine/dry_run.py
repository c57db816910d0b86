"""Simulates an execution, task by task, with outcomes that the caller provides. No task runs, and nothing is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from app.domain.callers import Caller
from app.domain.definitions import Config
from app.domain.errors import Invalid, NotFound, Problem
from app.domain.events import EventType
from app.domain.executions import Execution, Failure
from app.domain.handlers import TaskError, is_instant
from app.domain.json_values import encode
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.domain.shares import Group
from app.domain.states import ExecutionStatus, TaskStatus
from app.engine.deciding.decider import Command, StartTask, decide
from app.engine.deciding.drafts import Draft, take
from app.engine.deciding.event_data import FailureData
from app.engine.deciding.outcomes import Failed, Outcome, Succeeded
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.transitions import draft_of_command, draft_of_outcome, skipped_by_condition
from app.engine.evaluating.begins import Begun
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.inputs import checked_input
from app.engine.identifiers import new_execution_id
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import Clock, Handlers
from app.engine.running.attempts import Attempts
from app.engine.running.preparing import Preparation
from app.masking import STARS

MAX_STEPS = 1_000


@dataclass(frozen=True, slots=True)
class Mock:
    """The outcome of a task. For a task with `for_each` it is the outcome of the whole task.

    - output: any JSON value
    - failure: why the task fails, without a retry; None when it completes
    """

    output: Any = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class DryStep:
    """One task of a dry run.

    - task: the name of the task
    - status: its final status
    - config: the config that the task would receive; for a task with `for_each`, a list with one for each element
    - output: JSON text
    - failure: why it failed; None when it did not
    """

    task: str
    status: TaskStatus
    config: Any
    output: str | None
    failure: Failure | None


@dataclass(slots=True)
class DryRun:
    """The path that an execution would take.

    - status: the status after the last step
    - steps: the tasks, in the order in which they would run
    - output: the output of the execution, as JSON text
    - failure: why the execution would fail; None when it would not
    - is_cut: True when there would be more than `MAX_STEPS` steps
    """

    status: ExecutionStatus = ExecutionStatus.PENDING
    steps: list[DryStep] = field(default_factory=list)
    output: str | None = None
    failure: Failure | None = None
    is_cut: bool = False


class DryRunner:
    def __init__(
        self,
        plans: Plans,
        handlers: Handlers,
        evaluations: Evaluations,
        clock: Clock,
        max_output_bytes: int,
    ) -> None:
        self._plans = plans
        self._attempts = Attempts(handlers, max_output_bytes)
        self._evaluations = evaluations
        self._clock = clock
        self._max_output_bytes = max_output_bytes

    async def run(self, caller: Caller, workflow: Ref, input: Mapping[str, Any], mocks: Mapping[str, Mock]) -> DryRun:
        """Simulate the current revision. Raise `NotFound`, and `Invalid` for wrong mocks or a wrong input."""
        current = await self._plans.current(workflow)
        plan = None if current is None else await self._plans.get(workflow.tenant_id, *current)
        if plan is None:
            raise NotFound("workflow", workflow)
        payload = Payload(orjson.dumps(dict(input)).decode(), dict(input))
        await self._check(plan, payload, mocks, Group(workflow.tenant_id, plan.workflow_id))
        outputs = {name: self._outcome_of(name, mock) for name, mock in mocks.items()}
        execution = Execution(
            new_execution_id(),
            workflow.tenant_id,
            plan.workflow_id,
            plan.revision,
            ExecutionStatus.PENDING,
            payload,
            created_at=self._clock.now(),
        )
        state = ExecutionState(plan)
        preparation = Preparation(execution, state, self._attempts, _Stars(), self._evaluations)
        rehearsal = _Rehearsal(state, preparation, outputs, self._attempts, self._clock.now(), self._max_output_bytes)
        return await rehearsal.run()

    async def _check(self, plan: Plan, input: Payload, mocks: Mapping[str, Mock], group: Group) -> None:
        found = [*await checked_input(self._evaluations, plan.input, input, group)]
        found += [
            Problem(f"tasks.{name}", f"no task of this workflow is named {name!r}")
            for name in mocks
            if name not in plan.index_named
        ]
        if found:
            raise Invalid(found)

    def _outcome_of(self, name: str, mock: Mock) -> Outcome:
        if mock.failure is not None:
            return Failed(TaskError(mock.failure.code, mock.failure.message, retryable=False))
        return Succeeded(encode(mock.output, f"tasks.{name}.output", self._max_output_bytes))


class _Stars:
    """Replaces all secrets, because a dry run returns configs to the caller."""

    def get(self, tenant: str, name: str) -> str:
        return STARS

    def values(self, tenant: str, name: str) -> Sequence[str]:
        return ()


class _Rehearsal:
    def __init__(
        self,
        state: ExecutionState,
        preparation: Preparation,
        outcomes: Mapping[str, Outcome],
        attempts: Attempts,
        now: datetime,
        max_output_bytes: int,
    ) -> None:
        self._state = state
        self._preparation = preparation
        self._outcomes = outcomes
        self._attempts = attempts
        self._now = now
        self._max_output_bytes = max_output_bytes
        self._told = DryRun()

    async def run(self) -> DryRun:
        self._take_up(Draft(EventType.EXECUTION_CREATED))
        self._take_up(Draft(EventType.EXECUTION_STARTED))
        while not self._state.is_final and len(self._told.steps) < MAX_STEPS and (commands := decide(self._state)):
            await self._carry_out(commands)
            # Deciding takes up to a millisecond in a large workflow.
            await asyncio.sleep(0)
        self._told.status = self._state.status
        self._told.is_cut = not self._state.is_final
        return self._told

    async def _carry_out(self, commands: Sequence[Command]) -> None:
        """Carry out the first command only: the outcome of its task may prevent the others from starting."""
        command = commands[0]
        if isinstance(command, StartTask):
            await self._play(command.index)
        elif (draft := draft_of_command(self._state, command, self._max_output_bytes)) is not None:
            self._take_up(draft)
            self._told.output = draft.text if draft.type is EventType.EXECUTION_COMPLETED else None
            self._told.failure = draft.data.failure if isinstance(draft.data, FailureData) else None

    async def _play(self, index: int) -> None:
        config, start = None, await self._preparation.start_later(index)
        if not start.holds:
            self._take_up(skipped_by_condition(self._state, index))
        else:
            self._take_up(Draft(EventType.TASK_STARTED, index, self._state.tasks[index].attempt + 1))
            config, outcome = await self._ended(index)
            self._take_up(draft_of_outcome(self._state, index, outcome, self._now, 0))
        task = self._state.tasks[index]
        name = self._state.plan.tasks[index].name
        self._told.steps.append(DryStep(name, task.status, config, task.output, task.failure))

    async def _ended(self, index: int) -> tuple[Any, Outcome]:
        """The config that the task would receive, and its outcome."""
        planned = self._state.plan.tasks[index]
        try:
            begun = await self._preparation.begin_later(index)
            config = begun.config if begun.elements is None else await self._configs_of_elements(index, begun)
        except TaskError as error:
            return None, Failed(error)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong before an attempt is the attempt's failure
            return None, Failed(self._preparation.failure(index, error))
        outcome = self._outcomes.get(planned.name) or self._own_outcome(index, begun)
        return config, await self._preparation.checked_later(index, outcome)

    async def _configs_of_elements(self, index: int, begun: Begun) -> list[Config]:
        configs = self._preparation.element_configs(index, begun)
        return [await configs.config(number, self._preparation.group) for number in range(len(configs))]

    def _own_outcome(self, index: int, begun: Begun) -> Outcome:
        """The outcome of a task without a mock. A task without side effects is run; any other one returns null."""
        planned = self._state.plan.tasks[index]
        handler = self._attempts.handler(planned.type)
        if planned.flow.for_each is not None or not getattr(handler, "is_pure", False):
            return Succeeded(None)
        if handler is None or not is_instant(handler):
            return Succeeded(None)
        attempt = self._preparation.attempt(index, 1, begun.config, lambda *_: None, lambda: False)
        return self._attempts.run_now(handler, attempt, None)

    def _take_up(self, draft: Draft) -> None:
        take(self._state, draft, self._now)
