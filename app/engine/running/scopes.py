"""The data that the expressions of one execution can use."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import orjson

from app.background.turns import Turns
from app.domain.executions import Execution
from app.engine.deciding.outputs import Outputs
from app.engine.deciding.state import ExecutionState
from app.engine.planning.data_flow import Data, TaskFlow
from app.engine.ports import Secrets
from app.expressions.errors import EvaluationError, OverBudget
from app.expressions.limits import CHARACTERS_A_STEP

INLINE_CHARACTERS = 2_097_152
"""The characters of outputs that are parsed where everything else waits: about 10 ms."""

COUNTED_CHARACTERS = 4_096
"""Fewer take no time worth counting: about 20 µs."""


class Scopes:
    """Made anew for each evaluation, from the state as it is."""

    __slots__ = ("_execution", "_secrets", "_state", "_turns")

    def __init__(self, execution: Execution, state: ExecutionState, secrets: Secrets, turns: Turns) -> None:
        self._execution = execution
        self._state = state
        self._secrets = secrets
        self._turns = turns

    def values(self, index: int, flow: TaskFlow) -> dict[str, Any]:
        """The data for task `index`. Raise `OverBudget` when there is too much to be parsed at once."""
        outputs = Outputs(self._state, index)
        if flow.names:
            self._count(outputs, flow.names)
        return self._data(self._execution.input.value, partial(self._task, index, outputs.get)).scope(flow)

    def fragments(self, index: int, flow: TaskFlow) -> dict[str, Any]:
        """The same for an encoder: the input and outputs are texts of JSON."""
        outputs = Outputs(self._state, index)

        def output(name: str) -> Any:
            text = outputs.text(name) if name in outputs else None
            return None if text is None else orjson.Fragment(text)

        return self._data(orjson.Fragment(self._execution.input.text), partial(self._task, index, output)).scope(flow)

    def _count(self, outputs: Outputs, names: Iterable[str]) -> None:
        characters = sum([len(outputs.text(name) or "") for name in names if name in outputs])
        if characters > INLINE_CHARACTERS:
            raise OverBudget
        if characters > COUNTED_CHARACTERS:
            self._turns.spend(characters // CHARACTERS_A_STEP)

    def _data(self, input: Any, task: Callable[[str], Mapping[str, Any]]) -> Data:
        plan = self._state.plan
        return Data(
            input=input,
            execution={"id": str(self._execution.id)},
            workflow={"id": plan.workflow_id, "key": plan.key, "revision": plan.revision},
            variables=plan.variables,
            task=task,
            secret=self._secret,
        )

    def _secret(self, name: str) -> str | None:
        plan = self._state.plan
        if name not in plan.secrets:
            message = "the workflow does not name this secret, so it cannot use it; add it to the workflow's `secrets`"
            raise EvaluationError(f"secrets.{name}", message)
        return self._secrets.get(plan.tenant, name)

    def _task(self, by: int, output: Callable[[str], Any], name: str) -> dict[str, Any]:
        """What an expression of task `by` sees of the task that has this name."""
        index = self._state.plan.index_named.get(name)
        status = None if index is None else self._state.course.status_seen(index, by)
        if status is None:
            raise EvaluationError(f"tasks.{name}", "this task need not have ended before")
        return {"output": output(name), "status": status.value}
