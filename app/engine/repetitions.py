"""Repeats executions that have ended.

A retry or a rerun is a new execution, because no event may follow the one that ended an execution.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from app.contracts.contract import Contract
from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.errors import Conflict, Invalid, Problem, Unavailable, WrongState
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.domain.shares import Group
from app.domain.states import ExecutionStatus
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.inputs import checked_input
from app.engine.folding import folded
from app.engine.idempotency_keys import check_key
from app.engine.identifiers import new_execution_id
from app.engine.notifying import notify_engines
from app.engine.planning.plan import Plan, PlannedTask
from app.engine.planning.plans import Plans
from app.engine.ports import NEW_WORK, Clock, ExecutionStore, Opening, Signals
from app.engine.reading import index_named, read_execution, read_plan, read_whole_history
from app.engine.repeating import Origin, first_events
from app.engine.reusing import FIELD
from app.engine.starting import Started

LATEST: Literal["latest"] = "latest"
MAX_REVISION = 2**31 - 1

WantedRevision = int | Literal["latest"] | None
"""The number of a revision, `LATEST`, or None for the revision of the execution that is repeated."""


@dataclass(frozen=True, slots=True)
class Repetition(Started):
    """A new execution that repeats another one.

    latest_revision: the workflow's current revision; None if the workflow was deleted.
    """

    latest_revision: int | None


def parse_wanted_revision(text: str) -> WantedRevision:
    """The revision in `text`; None if it is empty. Raise `Invalid` for a text that is none."""
    if text in ("", LATEST):
        return LATEST if text else None
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_REVISION)) and 1 <= int(text) <= MAX_REVISION:
        return int(text)
    raise Invalid.at(FIELD, f"must be 'latest' or the number of a revision, not {text!r}")


class Repetitions:
    """Starts the retries and reruns of executions that have ended. Raises as `ExecutionControls` does."""

    def __init__(
        self,
        store: ExecutionStore,
        plans: Plans,
        signals: Signals,
        clock: Clock,
        evaluations: Evaluations,
        new_id: Callable[[], UUID] = new_execution_id,
    ) -> None:
        self._store = store
        self._plans = plans
        self._signals = signals
        self._clock = clock
        self._evaluations = evaluations
        self._new_id = new_id

    async def retry(self, caller: Caller, execution_id: UUID, revision: WantedRevision) -> Repetition:
        origin = await self._ended(caller, execution_id, "retried")
        if origin.status is ExecutionStatus.COMPLETED:
            raise WrongState(f"execution {origin.id} is completed; rerun it from a task instead")
        latest = await self._latest(origin)
        runs = _chosen(origin, revision, latest)
        other = "" if runs == origin.revision else f"@{runs}"
        act = Act(caller, Action.EXECUTION_RETRY)
        started = await self._repeat(act, origin, runs, None, f"retry:{origin.id}{other}")
        return Repetition(started.execution, started.already_started, latest)

    async def rerun(
        self, caller: Caller, execution_id: UUID, from_task: str, idempotency_key: str | None, revision: WantedRevision
    ) -> Repetition:
        check_key(idempotency_key)
        origin = await self._ended(caller, execution_id, "rerun")
        latest = await self._latest(origin)
        # Before the revision is looked at: a repeated call returns the same execution, whatever is the latest by now.
        started = await self._started_before(origin, idempotency_key)
        if started is None:
            act, runs = Act(caller, Action.EXECUTION_RERUN), _chosen(origin, revision, latest)
            started = await self._repeat(act, origin, runs, from_task, idempotency_key)
        return Repetition(started.execution, started.already_started, latest)

    async def _ended(self, caller: Caller, execution_id: UUID, what: str) -> Execution:
        execution = await read_execution(self._store, caller.tenant_id, execution_id)
        if not execution.status.is_final:
            raise WrongState(
                f"execution {execution.id} has not ended: it is {execution.status} and cannot be {what} before its end"
            )
        return execution

    async def _latest(self, origin: Execution) -> int | None:
        current = await self._plans.current(Ref(tenant_id=origin.tenant_id, id=origin.workflow_id))
        return None if current is None else current[1]

    async def _repeat(
        self, act: Act, origin: Execution, revision: int, from_task: str | None, key: str | None
    ) -> Started:
        if (known := await self._started_before(origin, key)) is not None:
            return known
        ran, plan = await read_plan(self._plans, origin), await self._plan(origin, revision)
        from_index = None if from_task is None else _step_named(from_task, plan)
        if ran.follows_conditions or plan.follows_conditions:
            raise WrongState(f"execution {origin.id} follows conditions and cannot be repeated; start a new one")
        history = await read_whole_history(self._store, origin)
        ended, now = Origin(origin.id, ran, history, await folded(ran, history)), self._clock.now()
        misfits = await self._misfits(plan, ended, from_index, origin.group)
        events = first_events(plan, ended, from_index, now, lambda task, _: misfits.get(task.index, ()))
        execution_id = self._new_id()
        started_by = act.caller.recorded
        opening = Opening(origin.workflow_id, revision, origin.input, now, key, origin.id, started_by=started_by)
        if not await self._store.enqueue(origin.tenant_id, execution_id, opening, events, act):
            if (known := await self._started_before(origin, key)) is not None:
                return known
            raise Unavailable(f"the repetition of execution {origin.id} could not be stored; ask for it again")
        await notify_engines(self._signals, NEW_WORK)
        return Started(await read_execution(self._store, origin.tenant_id, execution_id), already_started=False)

    async def _misfits(
        self, plan: Plan, origin: Origin, from_index: int | None, group: Group
    ) -> Mapping[int, Sequence[Problem]]:
        """Where outputs of the origin break output schemas of `plan`, by the tasks of that."""
        outputs: list[tuple[int, Contract, Payload]] = []

        def note(task: PlannedTask, output: str | None) -> Sequence[Problem]:
            if task.output is not None:
                outputs.append((task.index, task.output, Payload(output or "null")))
            return ()

        first_events(plan, origin, from_index, self._clock.now(), note)
        return {
            index: await checked_input(self._evaluations, contract, output, group, "output")
            for index, contract, output in outputs
        }

    async def _plan(self, origin: Execution, revision: int) -> Plan:
        """Raise `Invalid` if the workflow has no such revision, or if the origin's input breaks its `input_schema`."""
        if revision == origin.revision:
            return await read_plan(self._plans, origin)
        plan = await self._plans.get(origin.tenant_id, origin.workflow_id, revision)
        if plan is None:
            raise Invalid.at(FIELD, f"workflow {origin.workflow_id} has no revision {revision}")
        if problems := await checked_input(self._evaluations, plan.input, origin.input, origin.group):
            raise Invalid(problems)
        return plan

    async def _started_before(self, origin: Execution, key: str | None) -> Started | None:
        if key is None:
            return None
        known = await self._store.find_by_idempotency_key(origin.tenant_id, origin.workflow_id, key)
        if known is None:
            return None
        if known.origin_id != origin.id:
            message = f"{key!r} has started execution {known.id}, which does not repeat execution {origin.id}"
            raise Conflict("idempotency_key", message)
        return Started(known, already_started=True)


def _chosen(origin: Execution, wanted: WantedRevision, latest: int | None) -> int:
    """The revision to run. Raise `WrongState` if the latest one is wanted and the workflow was deleted."""
    if wanted is None:
        return origin.revision
    if wanted != LATEST:
        return wanted
    if latest is None:
        raise WrongState(f"workflow {origin.workflow_id} was deleted, so it has no latest revision; give a number")
    return latest


def _step_named(task: str, plan: Plan) -> int:
    index = index_named(task, plan, "from_task")
    if index in plan.graph.compensations:
        undone = next(planned.name for planned in plan.tasks if index in planned.compensated_by)
        raise Invalid.at("from_task", f"{task!r} undoes {undone!r}, so a rerun cannot begin with it")
    return index
