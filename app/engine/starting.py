"""Starts executions: exactly one per idempotency key, always with the revision that is current when it is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.domain.errors import Invalid, NotFound, Problem, RevisionMismatch, Unavailable
from app.domain.events import Event, EventType
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.recently_used import RecentlyUsed
from app.domain.refs import Ref
from app.domain.shares import Group
from app.domain.states import ExecutionStatus
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.inputs import checked_input
from app.engine.idempotency_keys import check_key, check_same_input
from app.engine.identifiers import new_execution_id
from app.engine.local_engine import LocalEngine
from app.engine.notifying import notify_engines
from app.engine.planning.plan import Plan
from app.engine.planning.plans import Plans
from app.engine.ports import NEW_WORK, Clock, ExecutionStore, Opening, Signals

TRIES_WHEN_CHANGED = 5
KNOWN_REVISIONS = 10_000

Current = tuple[int, int]
"""The id of a workflow, and its current revision."""


@dataclass(frozen=True, slots=True)
class StartRequest:
    """A request to start an execution.

    - workflow: the workflow to run; its tenant is that of the execution
    - input: a JSON object
    - idempotency_key: a second start with the same key finds the first execution; None starts a new one each time
    - revision: refuse the start unless this revision is current; None runs the current one
    - is_internal: the key is one that the service has made; a caller's key cannot begin like it, and only a caller's
      input is compared with the one that the key was used with
    """

    workflow: Ref
    input: Payload = field(default_factory=lambda: Payload("{}"))
    idempotency_key: str | None = None
    revision: int | None = None
    is_internal: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    execution: Execution
    already_started: bool


class Starter:
    """Starts an execution on this process's engine, if there is one with room. Otherwise stores it, so that any engine
    can claim it, and wakes up the engines.
    """

    def __init__(
        self,
        store: ExecutionStore,
        plans: Plans,
        clock: Clock,
        signals: Signals,
        engine: LocalEngine,
        evaluations: Evaluations,
        new_id: Callable[[], UUID] = new_execution_id,
    ) -> None:
        self._store = store
        self._plans = plans
        self._clock = clock
        self._signals = signals
        self._engine = engine
        self._evaluations = evaluations
        # May be outdated, and saves a round trip: an execution is stored only while its revision is the current one.
        self._known: RecentlyUsed[Ref, Current] = RecentlyUsed(KNOWN_REVISIONS)
        self.new_id = new_id

    async def start(self, request: StartRequest, execution_id: UUID, started_by: str | None = None) -> Started:
        """Store a new execution with the id `execution_id`, or find the one with the same idempotency key.

        started_by: who starts it, as its row has it.

        Raise `RevisionMismatch` when the request's revision is not the current one, and `IdempotencyMismatch` when the
        key was used with another input.
        """
        if not request.is_internal:
            check_key(request.idempotency_key)
        started = await self._start(request, execution_id, started_by)
        if started.execution.status is ExecutionStatus.PENDING:
            await notify_engines(self._signals, NEW_WORK)
        return started

    async def _start(self, request: StartRequest, execution_id: UUID, started_by: str | None) -> Started:
        tenant_id = request.workflow.tenant_id
        for _ in range(TRIES_WHEN_CHANGED):
            current, is_guess = await self._current(request)
            if (known := await self._started_before(current[0], request)) is not None:
                return Started(known, already_started=known.id != execution_id)
            if request.revision not in (None, current[1]):
                raise RevisionMismatch(request.workflow, current[1])
            plan = await self._plans.get(tenant_id, *current)
            problems = () if plan is None else await self._problems(plan, request)
            if problems and not is_guess:
                raise Invalid(problems)
            if plan is not None and not problems:
                now, key = self._clock.now(), request.idempotency_key
                opening = Opening(*current, request.input, now, key, started_by=started_by)
                execution = await self._open(tenant_id, execution_id, plan, opening)
                execution = execution or await self._store.get(tenant_id, execution_id)
                if execution is not None:
                    return Started(execution, already_started=False)
            self._known.pop(request.workflow)
        raise Unavailable(f"workflow {str(request.workflow)!r} keeps changing; start it again")

    async def _current(self, request: StartRequest) -> tuple[Current, bool]:
        """The workflow's id and revision, and whether they are a guess. Raise `NotFound`.

        A guess is not used with an idempotency key, because a wrong workflow id would find the execution of another
        workflow. Nor is it used with a revision, because an outdated guess would refuse a correct request.
        """
        may_guess = request.idempotency_key is None and request.revision is None
        if may_guess and (guess := self._known.get(request.workflow)) is not None:
            return guess, True
        current = await self._plans.current(request.workflow)
        if current is None:
            raise NotFound("workflow", request.workflow)
        self._known.put(request.workflow, current)
        return current, False

    async def _problems(self, plan: Plan, request: StartRequest) -> Sequence[Problem]:
        """Where the input violates the workflow's `input_schema`, with the paths."""
        group = Group(request.workflow.tenant_id, plan.workflow_id)
        return await checked_input(self._evaluations, plan.input, request.input, group)

    async def _started_before(self, workflow_id: int, request: StartRequest) -> Execution | None:
        if (key := request.idempotency_key) is None:
            return None
        known = await self._store.find_by_idempotency_key(request.workflow.tenant_id, workflow_id, key)
        if known is not None and not request.is_internal:
            check_same_input(known, request.input)
        return known

    async def _open(self, tenant_id: int, execution_id: UUID, plan: Plan, opening: Opening) -> Execution | None:
        """Open the execution on the engine of this process if it has room, else store it for any engine.

        None when the opening's conditions do not hold, or when the engine could not find out whether it was stored.
        """
        now = opening.created_at
        execution = Execution(
            id=execution_id,
            tenant_id=tenant_id,
            workflow_id=opening.workflow_id,
            revision=opening.revision,
            status=ExecutionStatus.PENDING,
            input=opening.input,
            created_at=now,
            idempotency_key=opening.idempotency_key,
            started_by=opening.started_by,
        )
        if self._engine.has_room(execution.group):
            status = await self._engine.open(execution, plan, opening)
            if status is None:
                return None
            execution.status = status
            return execution
        data = opening.created_data
        first = Event(1, EventType.EXECUTION_CREATED, now, ExecutionStatus.PENDING, 0, data=data)
        return execution if await self._store.enqueue(tenant_id, execution_id, opening, (first,)) else None
