"""Triggers executions, and finds them by the ids that callers have chosen."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from app.domain.callers import Caller
from app.domain.errors import Invalid, NotFound, RunIdTaken, Unavailable
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.domain.run_ids import RunId
from app.domain.shares import Group
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.inputs import checked_input
from app.engine.identifiers import new_execution_id
from app.engine.notifying import notify_engines
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import NEW_WORK, Clock, NoStartQuota, Opening, Signals, StartQuota
from app.engine.triggering.ports import RunStore, Storing

TRIES_WHEN_CHANGED = 5
VIA_TRIGGER = "trigger"


@dataclass(frozen=True, slots=True)
class Way:
    """How an execution that was triggered is handed to an engine.

    via: the name of the way, as the first event has it.
    delay_seconds: how long no engine claims it by itself; 0 lets any claim it at once.
    announces: whether engines are woken for each one; else the caller wakes them.
    """

    via: str = VIA_TRIGGER
    delay_seconds: float = 0.0
    announces: bool = True


DIRECT = Way()


@dataclass(frozen=True, slots=True)
class TriggerRequest:
    """A request to trigger an execution.

    workflow: the workflow to run; its tenant is that of the execution.
    input: a JSON object.
    run_id: what the execution is called by; None for an id that the service makes.
    way: how the execution is handed to an engine; None for the usual way of this process.
    traceparent: the trace that it belongs to; None if that is not known.
    """

    workflow: Ref
    input: Payload = field(default_factory=lambda: Payload("{}"))
    run_id: RunId | None = None
    way: "Way | None" = None
    traceparent: str | None = None


class TriggerService:
    """Triggers and finds executions of the caller's tenant.

    A run id stands for one execution: a second trigger with it changes nothing, as long as that execution is stored.

    store: stores executions.
    quota: how many executions the callers of a tenant may start.
    new_id: makes the ids of executions that are triggered without one.
    usual_way: how executions are handed to engines, unless a request says so.
    """

    def __init__(  # noqa: PLR0913 - each is a part that tests replace
        self,
        store: RunStore,
        plans: Plans,
        clock: Clock,
        signals: Signals,
        evaluations: Evaluations,
        quota: StartQuota | None = None,
        new_id: Callable[[], UUID] = new_execution_id,
        usual_way: Way = DIRECT,
    ) -> None:
        self._store = store
        self._plans = plans
        self._clock = clock
        self._signals = signals
        self._evaluations = evaluations
        self._quota = quota or NoStartQuota()
        self._new_id = new_id
        self._usual_way = usual_way

    async def trigger(self, caller: Caller, request: TriggerRequest) -> UUID:
        """Store a new execution, or find the one with the same run id; return its id.

        Raise `NotFound` for an unknown workflow, `Invalid` for an input that violates its `input_schema`, `RunIdTaken`
        for the run id of an execution of another workflow or tenant, and `StartsExceeded`.
        """
        self._quota.spend(caller.tenant_id)
        if request.run_id is not None and (known := await self._known(caller, request.run_id)) is not None:
            return await self._same(known, request, request.run_id)
        execution_id = self._new_id() if request.run_id is None else request.run_id.for_new
        for _ in range(TRIES_WHEN_CHANGED):
            storing = await self._store_once(caller, request, execution_id)
            if storing is Storing.STORED:
                return execution_id
            if storing is Storing.TAKEN and request.run_id is not None:
                return await self._same(await self._known(caller, request.run_id), request, request.run_id)
        raise Unavailable(f"workflow {str(request.workflow)!r} keeps changing; trigger it again")

    async def find(self, caller: Caller, run_id: RunId) -> Execution:
        """The execution that is called so. Raise `NotFound` if the caller's tenant has none."""
        if (known := await self._known(caller, run_id)) is None:
            raise NotFound("run", run_id.text)
        return known

    async def _store_once(self, caller: Caller, request: TriggerRequest, execution_id: UUID) -> Storing:
        way, plan = request.way or self._usual_way, await self._plan(request)
        group = Group(request.workflow.tenant_id, plan.workflow_id)
        if problems := await checked_input(self._evaluations, plan.input, request.input, group, "payload"):
            raise Invalid(problems)
        opening = Opening(
            plan.workflow_id,
            plan.revision,
            request.input,
            self._clock.now(),
            None if request.run_id is None else request.run_id.key,
            created_data=_created_data(request, way),
            started_by=caller.recorded,
        )
        storing = await self._store.store_run(caller.tenant_id, execution_id, opening, way.delay_seconds)
        if storing is Storing.STORED and way.announces:
            await notify_engines(self._signals, NEW_WORK)
        return storing

    async def _plan(self, request: TriggerRequest) -> Plan:
        """The plan of the current revision."""
        for _ in range(TRIES_WHEN_CHANGED):
            current = await self._plans.current(request.workflow)
            if current is None:
                raise NotFound("workflow", request.workflow)
            if (plan := await self._plans.get(request.workflow.tenant_id, *current)) is not None:
                return plan
        raise Unavailable(f"workflow {str(request.workflow)!r} keeps changing; trigger it again")

    async def _known(self, caller: Caller, run_id: RunId) -> Execution | None:
        for execution_id in run_id.ids:
            if (known := await self._store.get(caller.tenant_id, execution_id)) is not None:
                return known
        return None

    async def _same(self, known: Execution | None, request: TriggerRequest, run_id: RunId) -> UUID:
        """The id of the execution, if it is one of the workflow that the request names."""
        workflow_id = request.workflow.id
        if workflow_id is None and known is not None:
            current = await self._plans.current(request.workflow)
            workflow_id = None if current is None else current[0]
            if workflow_id is None:
                raise NotFound("workflow", request.workflow)
        if known is None or known.workflow_id != workflow_id:
            raise RunIdTaken(run_id.text)
        return known.id


def _created_data(request: TriggerRequest, way: Way) -> str:
    """The data of the first event. It has the run id only if that is another one than the id of the execution."""
    data = {"via": way.via}
    if request.run_id is not None and request.run_id.key is not None:
        data["run_id"] = request.run_id.text
    if request.traceparent is not None:
        data["traceparent"] = request.traceparent
    return orjson.dumps(data).decode()
