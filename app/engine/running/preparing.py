"""What a task gets when it starts: its config with the expressions filled in, the input, and what came before it.

Expressions are evaluated at once where that is cheap. Otherwise the method raises `OverBudget`, and the one whose name
ends in `later` gives the same, from wherever it is evaluated.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from app.domain.calls import CALLING_TYPE
from app.domain.definitions import Config
from app.domain.errors import Problem
from app.domain.executions import Execution
from app.domain.handlers import Attempt, Handler, TaskError, Wait
from app.domain.payloads import Payload
from app.domain.shares import Group
from app.engine.deciding.outcomes import Failed, Outcome, Succeeded
from app.engine.deciding.outputs import Outputs
from app.engine.deciding.state import ExecutionState
from app.engine.deciding.waits import FOR_CHILDREN
from app.engine.evaluating.begins import Begun, Started, begun, started
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.jobs import begun_of, flow_job, started_of
from app.engine.evaluating.ports import TOO_COSTLY, EvaluatorError
from app.engine.ports import Secrets
from app.engine.running.attempts import Attempts, unexpected
from app.engine.running.element_configs import ElementConfigs
from app.engine.running.elements import Elements
from app.engine.running.late_handler import LateHandler
from app.engine.running.masking import HideAll, TaskMask, refuse_secrets
from app.engine.running.scopes import Scopes
from app.expressions.errors import EvaluationError, OverBudget, TooCostlyError
from app.expressions.limits import Meter

log = structlog.get_logger(__name__)

Report = Callable[[float | None, str], None]
Completed = Callable[[int, int, str | None], None]
"""Called when an element has completed, with how many there are, which one it is, and its output as JSON text."""


START_TRIES = 10
START_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Start:
    """How a task starts.

    - holds: false when its condition says that it is to be skipped
    - wait: what it waits for; None for a task that does something, or whose config is wrong
    """

    holds: bool
    wait: Wait | None = None


STARTS = Start(holds=True)
"""Of a task without a condition that does something: most tasks are such."""

SKIPPED = Start(holds=False)

CALLS = Start(holds=True, wait=FOR_CHILDREN)
"""Of a task that runs a workflow."""


class Preparation:
    """For one execution. Nothing is kept: what a task gets follows from the state as it is."""

    __slots__ = ("_attempts", "_evaluations", "_execution", "_scopes", "_secrets", "_state", "_tasks")

    def __init__(
        self,
        execution: Execution,
        state: ExecutionState,
        attempts: Attempts,
        secrets: Secrets,
        evaluations: Evaluations,
    ) -> None:
        self._execution = execution
        self._state = state
        self._tasks = state.plan.tasks
        self._attempts = attempts
        self._secrets = secrets
        self._evaluations = evaluations
        self._scopes = Scopes(execution, state, secrets, evaluations.turns)

    @property
    def execution_id(self) -> UUID:
        return self._execution.id

    def only_waits(self, index: int) -> bool:
        """True for a task that waits for something and does nothing."""
        planned = self._tasks[index]
        return planned.flow.for_each is None and self._attempts.only_waits(planned.type)

    def runs_workflows(self, index: int) -> bool:
        """True for a task that waits for executions that the engine starts for it."""
        task_type = self._tasks[index].type
        return task_type == CALLING_TYPE and self._attempts.calls(task_type)

    def start(self, index: int) -> Start:
        """Raise `OverBudget`.

        A condition that cannot be evaluated holds: its error, of whatever kind, then fails the attempt.
        """
        planned = self._tasks[index]
        flow = planned.flow
        waits = flow.for_each is None and self._attempts.only_waits(planned.type)
        if flow.fault is not None or not (waits or flow.when is not None):
            return self._unconditional(index)
        if flow.is_plain:
            return self._start_of(index, Started(holds=True, config=flow.config.value))
        try:
            return self._start_of(index, self._evaluations.inline(partial(self._started, index)))
        except OverBudget:
            raise
        except Exception:  # noqa: BLE001 - a run that is dropped here would be dropped again by every engine
            return self._unconditional(index)

    async def start_later(self, index: int) -> Start:
        """As `start`, but never raises `OverBudget`. Without an evaluator it tries for some seconds."""
        for _ in range(START_TRIES):
            try:
                return await self._start_later(index)
            except EvaluatorError as error:
                if error.reason == TOO_COSTLY:
                    break
                await asyncio.sleep(START_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - as in start
                break
        return self._unconditional(index)

    async def _start_later(self, index: int) -> Start:
        return await self._evaluations.later(
            partial(self.start, index),
            partial(self._job, "wait" if self.only_waits(index) else "start", index),
            lambda value: self._start_of(index, started_of(value)),
            self.group,
        )

    def begin(self, index: int) -> Begun:
        """What the task's attempt gets. Raise `EvaluationError`, `OverBudget`, and `TaskError` for a secret in it that
        would be stored.
        """
        planned = self._tasks[index]
        if planned.flow.is_plain:
            return Begun(planned.flow.config.value)
        return self._storable(index, self._evaluations.inline(partial(self._begun, index)))

    async def begin_later(self, index: int) -> Begun:
        """As `begin`. Raise `EvaluationError`, `EvaluatorError` and `TaskError`."""
        job = partial(self._job, "begin", index)
        read, group = lambda value: self._storable(index, begun_of(value)), self.group
        return await self._evaluations.later(partial(self.begin, index), job, read, group)

    def handler(self, index: int, begun: Begun, completed: Completed) -> Handler | None:
        """What runs the task's attempt: its type, or its type for each of the elements."""
        planned = self._tasks[index]
        if begun.elements is None:
            return self._attempts.handler(planned.type)
        configs = self.element_configs(index, begun)
        done, recorded = self._state.tasks[index].elements, partial(completed, len(configs))
        limit = planned.flow.max_concurrency
        return Elements(self._attempts, planned.type, configs, done, limit, recorded, self.mask)

    def late_handler(self, index: int, completed: Completed) -> Handler | None:
        """As `handler`, for an attempt that gets its config only when it runs."""
        planned = self._tasks[index]
        if self._attempts.handler(planned.type) is None:
            return None
        return LateHandler(
            begin=partial(self.begin_later, index),
            handler=partial(self.handler, index, completed=completed),
            failure=partial(self.failure, index),
            carry_out=partial(self._attempts.carry_out, mask=self.mask),
        )

    @property
    def group(self) -> Group:
        """On whose behalf it prepares."""
        return self._execution.group

    def element_configs(self, index: int, begun: Begun) -> ElementConfigs:
        """The configs of a task with `for_each`, each of them made when it is needed."""
        planned, elements = self._tasks[index], begun.elements or []
        failure, check = partial(self.failure, index), partial(self._check_storable, index)
        return ElementConfigs(planned, elements, self._scopes, self._evaluations, failure, check)

    def attempt(
        self, index: int, number: int, config: Config, report: Report, is_handed_over: Callable[[], bool]
    ) -> Attempt:
        planned, task, mask = self._tasks[index], self._state.tasks[index], self.mask
        return Attempt(
            execution_id=self._execution.id,
            workflow_id=self._execution.workflow_id,
            task_id=planned.id,
            task_name=planned.name,
            number=number,
            config=config,
            input=self._execution.input.value,
            upstream=Outputs(self._state, index),
            first_started_at=task.first_started_at or self._execution.created_at,
            timeout_seconds=planned.timeout_seconds,
            report=report if mask is None else lambda percent, message: report(percent, mask.text(message)),
            is_handed_over=is_handed_over,
            visit=self._state.course.visit(index),
            kept=planned.flow.kept,
            masked=str if mask is None else mask.text,
            workflow_key=self._state.plan.key,
            tenant=self._state.plan.tenant,
            tenant_id=self._execution.tenant_id,
        )

    def failure(self, index: int, error: BaseException) -> TaskError:
        """The failure of an attempt that `error` has kept from being made."""
        if isinstance(error, TaskError):
            return error
        if isinstance(error, TooCostlyError):
            return TaskError("expression_too_costly", str(error), retryable=False)
        if isinstance(error, EvaluationError):
            return TaskError("expression_failed", str(error), retryable=False)
        if isinstance(error, EvaluatorError):
            return _no_answer(error)
        return unexpected(error, self._tasks[index].name, self._execution.id, self.mask)

    @property
    def mask(self) -> TaskMask | None:
        """Hides every secret of the workflow, also those that other tasks use: what they call can send them back. None
        of other workflows and tenants: the stars would tell that a guess was right.

        None for a workflow without secrets.
        """
        plan = self._state.plan
        if not plan.secrets:
            return None
        try:
            return TaskMask.of(self._secrets, plan.tenant, plan.secrets)
        except Exception as error:  # noqa: BLE001 - as in start
            log.warning("secrets_unreadable", execution_id=str(self._execution.id), error=type(error).__name__)
            return HideAll()

    def checked(self, index: int, outcome: Outcome) -> Outcome:
        """What may be stored of the outcome: without secrets, and a failure where the output breaks its schema.

        For outcomes of waits, whose outputs are small.
        """
        outcome = self._without_secrets(outcome)
        contract = self._tasks[index].output
        if contract is None or not isinstance(outcome, Succeeded):
            return outcome
        return _held(outcome, contract.problems_of_text(outcome.output, "output"))

    def checked_at_once(self, index: int, outcome: Outcome) -> Outcome:
        """As `checked`. Raise `OverBudget`."""
        outcome = self._without_secrets(outcome)
        contract = self._tasks[index].output
        if contract is None or not isinstance(outcome, Succeeded):
            return outcome
        payload = Payload(outcome.output or "null")
        return _held(outcome, self._evaluations.problems_at_once(contract, payload, "output"))

    async def checked_later(self, index: int, outcome: Outcome) -> Outcome:
        """As `checked`."""
        outcome = self._without_secrets(outcome)
        contract = self._tasks[index].output
        if contract is None or not isinstance(outcome, Succeeded):
            return outcome
        payload = Payload(outcome.output or "null")
        try:
            problems = await self._evaluations.problems(contract, payload, "output", self.group)
        except Exception as error:  # noqa: BLE001 - as in start
            return Failed(self.failure(index, error))
        return _held(outcome, problems)

    def _without_secrets(self, outcome: Outcome) -> Outcome:
        mask = self.mask
        return outcome if mask is None else mask.outcome(outcome)

    def _started(self, index: int, meter: Meter) -> Started:
        flow = self._tasks[index].flow
        return started(flow, self._scopes.values(index, flow), meter, waits=self.only_waits(index))

    def _start_of(self, index: int, found: Started) -> Start:
        if found.config is None:
            return self._unconditional(index) if found.holds else SKIPPED
        try:
            self._check_storable(index, found.config)
        except TaskError:
            return Start(found.holds)
        return Start(found.holds, self._attempts.wait(self._tasks[index].type, found.config))

    def _unconditional(self, index: int) -> Start:
        return CALLS if self.runs_workflows(index) else STARTS

    def _begun(self, index: int, meter: Meter) -> Begun:
        planned = self._tasks[index]
        if planned.flow.fault is not None:
            raise planned.flow.fault
        return begun(planned.flow, planned.config, self._scopes.values(index, planned.flow), meter)

    def _storable(self, index: int, begun: Begun) -> Begun:
        if begun.elements is None:
            self._check_storable(index, begun.config)
        return begun

    def _check_storable(self, index: int, config: Config) -> None:
        """Raise `TaskError` for a config that is stored and contains a secret of the workflow."""
        planned = self._tasks[index]
        if planned.flow.secrets and (mask := self.mask) is not None and self._attempts.stores_config(planned.type):
            refuse_secrets(mask, config)

    def _job(self, kind: str, index: int) -> bytes:
        planned = self._tasks[index]
        return flow_job(kind, planned.config, planned.flow, self._scopes.fragments(index, planned.flow))


def _no_answer(error: EvaluatorError) -> TaskError:
    if error.reason == TOO_COSTLY:
        return TaskError("expression_too_costly", str(error), retryable=False)
    return TaskError("evaluator_unavailable", str(error))


def _held(outcome: Succeeded, problems: Sequence[Problem]) -> Outcome:
    if not problems:
        return outcome
    message = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
    return Failed(TaskError("output_schema", f"the output breaks its schema: {message}", retryable=False))
