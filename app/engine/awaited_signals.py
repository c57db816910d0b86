"""Whether a task of an execution can take a signal. Checked when one is sent, so that none is accepted for nothing."""

from collections.abc import Mapping, Sequence

from app.domain.errors import Invalid, Problem
from app.domain.executions import Execution
from app.domain.handlers import TaskError, is_waiting
from app.domain.payloads import Payload
from app.domain.shares import Group
from app.domain.states import TaskStatus
from app.engine.deciding.state import ExecutionState
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.inputs import checked_input
from app.engine.folding import folded
from app.engine.planning.plan import Plan, PlannedTask
from app.engine.planning.plans import Plans
from app.engine.ports import ExecutionStore, Handlers
from app.engine.reading import read_plan, read_whole_history

_ANY = ""
"""Stands for every name: no signal has an empty one."""


class AwaitedSignals:
    """`handlers` are the task types of this process. A type that it does not know may wait for any signal."""

    def __init__(self, store: ExecutionStore, plans: Plans, handlers: Handlers, evaluations: Evaluations) -> None:
        self._store = store
        self._evaluations = evaluations
        self._plans = plans
        self._handlers = handlers

    async def check(self, execution: Execution, name: str, payload: str) -> None:
        """Raise `Invalid` when no task of the execution waits for the name, or when the payload fits none that does.

        payload: JSON text.

        A payload has to match the `output_schema` of one task that can still take it: of several tasks that wait for
        one name, each takes the oldest signal that matches its own.
        """
        plan = await read_plan(self._plans, execution)
        takers = self._takers(plan, name)
        misfits = await self._misfits(plan, takers, Payload(payload), execution.group)
        # The history is read only where it makes a difference which of the tasks have ended.
        if misfits and len(misfits) < len(takers):
            state = await folded(plan, await read_whole_history(self._store, execution))
            takers = [index for index in takers if _may_still_take(state, index, name)]
            misfits = {index: misfits[index] for index in takers if index in misfits}
        if misfits and len(misfits) == len(takers):
            raise Invalid(misfits[takers[0]])

    def _takers(self, plan: Plan, name: str) -> Sequence[int]:
        """The tasks that wait for the name, or for one that is known only when they start. Raise `Invalid`."""
        awaited = {task.index: signal for task in plan.tasks if (signal := self._awaited(task)) is not None}
        takers = [index for index, signal in awaited.items() if signal in (name, _ANY)]
        if not takers:
            raise Invalid.at("name", _unknown(name, sorted({*awaited.values()})))
        return takers

    async def _misfits(
        self, plan: Plan, takers: Sequence[int], payload: Payload, group: Group
    ) -> Mapping[int, Sequence[Problem]]:
        """What in the payload breaks the output schemas of the tasks, by the task."""
        found: dict[int, Sequence[Problem]] = {}
        for index in takers:
            if (contract := plan.tasks[index].output) is None:
                continue
            # The task's engine checks the payload again, where nothing can wait.
            if excess := contract.excess(payload, "payload"):
                found[index] = excess
            elif problems := await checked_input(self._evaluations, contract, payload, group, "payload"):
                found[index] = problems
        return found

    def _awaited(self, task: PlannedTask) -> str | None:
        """The signal that the task waits for, `_ANY` where that is not known yet; None when it waits for none."""
        handler = self._handlers.handler(task.type)
        if handler is None:
            return _ANY
        if not is_waiting(handler) or not getattr(handler, "takes_signals", True) or task.flow.for_each is not None:
            return None
        if task.flow.config.expressions:
            return _ANY
        try:
            return handler.wait(task.config).signal
        except TaskError:
            return None


def _may_still_take(state: ExecutionState, index: int, name: str) -> bool:
    task = state.tasks[index]
    if task.status is TaskStatus.RUNNING and task.wait is not None:
        return task.wait.signal == name
    # On a route, a task that has ended may have another turn.
    return state.plan.follows_conditions or not task.status.is_final


def _unknown(name: str, names: Sequence[str]) -> str:
    if not names:
        return f"no task of this execution waits for a signal, so {name!r} would never be taken"
    return f"no task of this execution waits for the signal {name!r}; its tasks wait for {', '.join(map(repr, names))}"
