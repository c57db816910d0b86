"""What an attempt gets: its config with the expressions filled in, the input, and what came before it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from app.domain.definitions import Config
from app.domain.executions import Execution
from app.domain.handlers import Attempt, Handler, TaskError, Wait
from app.engine.deciding.outcomes import Failed, Outcome, Succeeded
from app.engine.deciding.outputs import Outputs
from app.engine.deciding.state import ExecutionState
from app.engine.planning.data_flow import Data, TaskFlow, condition_holds, elements_of
from app.engine.ports import Secrets
from app.engine.running.attempts import Attempts, unexpected
from app.engine.running.elements import Elements
from app.engine.running.masking import HideAll, Mask
from app.expressions.errors import EvaluationError
from app.expressions.expression import Expression

log = structlog.get_logger(__name__)

Report = Callable[[float | None, str], None]
Completed = Callable[[int, int, str | None], None]
"""Called when an element has completed, with how many there are, which one it is, and its output as JSON text."""


class Preparation:
    """For one execution. Nothing is kept: what a task gets follows from the state as it is."""

    __slots__ = ("_attempts", "_execution", "_secrets", "_state", "_tasks")

    def __init__(self, execution: Execution, state: ExecutionState, attempts: Attempts, secrets: Secrets) -> None:
        self._execution = execution
        self._state = state
        self._tasks = state.plan.tasks
        self._attempts = attempts
        self._secrets = secrets

    @property
    def execution_id(self) -> UUID:
        return self._execution.id

    def condition_holds(self, index: int) -> bool:
        """False when the task's condition says that it is to be skipped.

        A condition that cannot be evaluated holds: its error, of whatever kind, then fails the attempt.
        """
        flow = self._tasks[index].flow
        if flow.when is None or flow.fault is not None:
            return True
        try:
            return condition_holds(flow, self._scope(index, flow))
        except Exception:  # noqa: BLE001 - a run that is dropped here would be dropped again by every engine
            return True

    def wait(self, index: int) -> Wait | None:
        """What the task waits for; None for one that does something, or whose config is wrong."""
        planned = self._tasks[index]
        if planned.flow.for_each is not None or not self._attempts.only_waits(planned.type):
            return None
        try:
            return self._attempts.wait(planned.type, self._config(index))
        except Exception:  # noqa: BLE001 - as in condition_holds
            return None

    def handler(self, index: int, completed: Completed) -> Handler | None:
        """What runs the task's attempt: its type, or its type for each of the elements. Raise `EvaluationError`."""
        planned = self._tasks[index]
        if planned.flow.for_each is None:
            return self._attempts.handler(planned.type)
        configs = self._element_configs(planned.flow, index, planned.flow.for_each)
        done, recorded = self._state.tasks[index].elements, partial(completed, len(configs))
        limit = planned.flow.max_concurrency
        return Elements(self._attempts, planned.type, configs, done, limit, recorded, self.mask(index))

    def configs(self, index: int) -> Config | list[Config]:
        """What the task gets, a list of that where it runs for each element. Raise `EvaluationError`."""
        flow = self._tasks[index].flow
        return self._config(index) if flow.for_each is None else self._element_configs(flow, index, flow.for_each)

    def _config(self, index: int) -> Config:
        planned = self._tasks[index]
        if planned.flow.is_plain:
            return self._filled(planned.flow, {})
        scope = self._checked_scope(index, planned.flow)
        return planned.config if planned.flow.for_each is not None else self._filled(planned.flow, scope)

    def _element_configs(self, flow: TaskFlow, index: int, for_each: Expression) -> list[Config]:
        scope = self._checked_scope(index, flow)
        elements = elements_of(for_each, scope)
        return [self._filled(flow, scope | {"item": item, "index": n}) for n, item in enumerate(elements)]

    def attempt(self, index: int, number: int, report: Report, is_handed_over: Callable[[], bool]) -> Attempt:
        """Raise `EvaluationError`."""
        planned, task = self._tasks[index], self._state.tasks[index]
        return Attempt(
            execution_id=self._execution.id,
            workflow_id=self._execution.workflow_id,
            task_id=planned.id,
            task_name=planned.name,
            number=number,
            config=self._config(index),
            input=self._execution.input.value,
            upstream=Outputs(self._state, index),
            first_started_at=task.first_started_at or self._execution.created_at,
            timeout_seconds=planned.timeout_seconds,
            report=self._masked(report, index) if planned.flow.secrets else report,
            is_handed_over=is_handed_over,
            visit=self._state.course.visit(index),
            kept=planned.flow.kept,
        )

    def failure(self, index: int, error: Exception) -> TaskError:
        """The failure of an attempt that `error` has kept from being made."""
        if isinstance(error, EvaluationError):
            return TaskError("expression_failed", str(error), retryable=False)
        return unexpected(error, self._tasks[index].name, self._execution.id, self.mask(index))

    def mask(self, index: int) -> Mask | None:
        """None for a task that sees no secrets."""
        names = self._tasks[index].flow.secrets
        if not names:
            return None
        try:
            return Mask(value for name in names if (value := self._secrets.get(name)))
        except Exception as error:  # noqa: BLE001 - as in condition_holds
            log.warning("secrets_unreadable", task=self._tasks[index].name, error=type(error).__name__)
            return HideAll()

    def checked(self, index: int, outcome: Outcome) -> Outcome:
        """What may be stored of the outcome: without secrets, and a failure where the output breaks its schema."""
        if (mask := self.mask(index)) is not None:
            outcome = mask.outcome(outcome)
        contract = self._tasks[index].output
        if contract is None or not isinstance(outcome, Succeeded):
            return outcome
        problems = contract.problems_of_text(outcome.output, "output")
        if not problems:
            return outcome
        message = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
        return Failed(TaskError("output_schema", f"the output breaks its schema: {message}", retryable=False))

    def _masked(self, report: Report, index: int) -> Report:
        mask = self.mask(index)
        return report if mask is None else lambda percent, message: report(percent, mask.text(message))

    def _checked_scope(self, index: int, flow: TaskFlow) -> dict[str, Any]:
        if flow.fault is not None:
            raise flow.fault
        scope = self._scope(index, flow)
        condition_holds(flow, scope)
        return scope

    def _filled(self, flow: TaskFlow, scope: Mapping[str, Any]) -> Config:
        config: Config = flow.config.fill(scope)
        return config

    def _scope(self, index: int, flow: TaskFlow) -> dict[str, Any]:
        plan, execution = self._state.plan, self._execution
        data = Data(
            input=self._execution.input.value,
            execution={"id": str(execution.id)},
            workflow={"id": plan.workflow_id, "key": plan.key, "revision": plan.revision},
            variables=plan.variables,
            task=partial(self._task, index, Outputs(self._state, index)),
            secret=self._secrets.get,
        )
        return data.scope(flow)

    def _task(self, by: int, upstream: Outputs, name: str) -> dict[str, Any]:
        """What an expression of task `by` sees of the task that has this name."""
        index = self._state.plan.index_named.get(name)
        status = None if index is None else self._state.course.status_seen(index, by)
        if status is None:
            raise EvaluationError(f"tasks.{name}", "this task need not have ended before")
        return {"output": upstream.get(name), "status": status.value}
