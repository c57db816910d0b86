"""Controls executions, in a process with or without an engine.

A request to an execution that runs is stored as a command, which its owner carries out.
"""

from collections.abc import Callable
from uuid import UUID

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.definitions import text_problems
from app.domain.errors import Invalid, WrongState
from app.domain.executions import Execution
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.awaited_signals import AwaitedSignals
from app.engine.evaluating.evaluations import Evaluations
from app.engine.folding import folded
from app.engine.identifiers import new_execution_id
from app.engine.notifying import notify_engines
from app.engine.planning.plans import Plans
from app.engine.ports import (
    CANCEL,
    NEW_COMMANDS,
    NEW_WORK,
    PAUSE,
    RESUME,
    SIGNAL,
    SKIP,
    Clock,
    ControlCommand,
    ExecutionStore,
    Handlers,
    NoStartQuota,
    Signals,
    StartQuota,
)
from app.engine.reading import index_named, read_execution, read_plan, read_whole_history
from app.engine.repetitions import Repetition, Repetitions, WantedRevision

MAX_REASON = 1_000
MAX_SIGNAL_NAME = 200


class ExecutionControls:
    """Cancels, pauses, resumes, signals and repeats executions of the caller's tenant.

    All methods raise `NotFound` for an id that the tenant has not, `Invalid` for a value that breaks a rule,
    `WrongState` when the state of the execution does not allow the request, and `Unavailable` when the database is
    unreachable.
    """

    def __init__(  # noqa: PLR0913 - what it hands on to what repeats executions
        self,
        store: ExecutionStore,
        plans: Plans,
        signals: Signals,
        clock: Clock,
        handlers: Handlers,
        evaluations: Evaluations,
        new_id: Callable[[], UUID] = new_execution_id,
        quota: StartQuota | None = None,
    ) -> None:
        self._store = store
        self._plans = plans
        self._signals = signals
        self._quota = quota or NoStartQuota()
        self._awaited = AwaitedSignals(store, plans, handlers, evaluations)
        self._repetitions = Repetitions(store, plans, signals, clock, evaluations, new_id)

    async def cancel(self, caller: Caller, execution_id: UUID, reason: str) -> Execution:
        """Request that the execution stops, and all below it. No effect when repeated.

        Raise `WrongState` if it completed or failed, and nothing below it runs.
        """
        return await self._cancel(caller.tenant_id, execution_id, reason, Act(caller, Action.EXECUTION_CANCEL))

    async def cancel_internally(self, tenant_id: int, execution_id: UUID, reason: str) -> Execution:
        """As `cancel`, for the service itself: no caller asks for it, and it is not audited."""
        return await self._cancel(tenant_id, execution_id, reason, None)

    async def _cancel(self, tenant_id: int, execution_id: UUID, reason: str, act: Act | None) -> Execution:
        execution = await read_execution(self._store, tenant_id, execution_id)
        if execution.status.is_final:
            _check_reason(reason)
            told = reason or "an execution above it was cancelled"
            below = await self._store.cancel_descendants(tenant_id, execution.id, told, act)
            if below or execution.status is ExecutionStatus.CANCELLED:
                return execution
        return await self._send(act, ControlCommand(0, execution.id, CANCEL, reason), execution, "be cancelled")

    async def pause(self, caller: Caller, execution_id: UUID, reason: str) -> Execution:
        """Request that the execution starts no more attempts; running attempts may end. No effect when repeated."""
        execution = await read_execution(self._store, caller.tenant_id, execution_id)
        act, command = Act(caller, Action.EXECUTION_PAUSE), ControlCommand(0, execution.id, PAUSE, reason)
        return await self._send(act, command, execution, "be paused")

    async def resume(self, caller: Caller, execution_id: UUID, reason: str) -> Execution:
        """Request that a paused execution continues. No effect when it is not paused."""
        execution = await read_execution(self._store, caller.tenant_id, execution_id)
        act, command = Act(caller, Action.EXECUTION_RESUME), ControlCommand(0, execution.id, RESUME, reason)
        return await self._send(act, command, execution, "be resumed")

    async def signal(self, caller: Caller, execution_id: UUID, name: str, payload: Payload) -> Execution:
        """Deliver `payload` to the task that waits for this signal, or store it until one does.

        Raise `Invalid` when no task waits for it, or when it breaks the `output_schema` of every task that does.
        """
        if problems := text_problems("name", name, MAX_SIGNAL_NAME, required=True):
            raise Invalid(problems)
        execution = await read_execution(self._store, caller.tenant_id, execution_id)
        if not execution.status.is_final:
            await self._awaited.check(execution, name, payload.text)
        command = ControlCommand(0, execution.id, SIGNAL, name=name, payload=payload.text)
        return await self._send(Act(caller, Action.EXECUTION_SIGNAL), command, execution, "receive signals")

    async def skip(self, caller: Caller, execution_id: UUID, task: str, reason: str) -> Execution:
        """Request that the execution continues as if the task had completed with the output `null`.

        No effect when repeated. Raise `WrongState` when the task has ended in another way.
        """
        execution = await read_execution(self._store, caller.tenant_id, execution_id)
        command = ControlCommand(0, execution.id, SKIP, reason, task)
        if not execution.status.is_final and await self._is_skipped(execution, task):
            return execution
        return await self._send(Act(caller, Action.EXECUTION_SKIP), command, execution, "skip a task")

    async def retry(self, caller: Caller, execution_id: UUID, revision: WantedRevision = None) -> Repetition:
        """Start a new execution with the same input, which reuses what completed and runs everything else.

        An execution has at most one retry per revision: a repeated call returns the execution that the first call
        started. Raise `Invalid` when what completed cannot be reused on `revision`, and `StartsExceeded` when the
        callers of the tenant have started too many.
        """
        self._quota.spend(caller.tenant_id)
        return await self._repetitions.retry(caller, execution_id, revision)

    async def rerun(
        self,
        caller: Caller,
        execution_id: UUID,
        from_task: str,
        idempotency_key: str | None = None,
        revision: WantedRevision = None,
    ) -> Repetition:
        """Start a new execution with the same input, which runs the task and all tasks after it again.

        Raise `Conflict` when the idempotency key was used for anything but a repetition of this execution, and
        `Invalid` when what completed cannot be reused on `revision`, and `StartsExceeded` as for `retry`.
        """
        self._quota.spend(caller.tenant_id)
        return await self._repetitions.rerun(caller, execution_id, from_task, idempotency_key, revision)

    async def _is_skipped(self, execution: Execution, task: str) -> bool:
        plan = await read_plan(self._plans, execution)
        state = await folded(plan, await read_whole_history(self._store, execution))
        index = index_named(task, plan, "task")
        if state.course.may_skip(index):
            return False
        if state.course.has_skipped(index):
            return True
        raise WrongState(f"task {task!r} of execution {execution.id} {state.course.skip_refusal(index)}")

    async def _send(self, act: Act | None, command: ControlCommand, execution: Execution, what: str) -> Execution:
        """Store the command for the owner. Raise `WrongState` when the execution has ended."""
        _check_reason(command.reason)
        if execution.status.is_final:
            raise WrongState(f"execution {execution.id} is {execution.status} and cannot {what}")
        await self._store.send_command(execution.tenant_id, command, act)
        await notify_engines(self._signals, NEW_COMMANDS)
        await notify_engines(self._signals, NEW_WORK)
        return await read_execution(self._store, execution.tenant_id, execution.id)


def _check_reason(reason: str) -> None:
    if problems := text_problems("reason", reason, MAX_REASON):
        raise Invalid(problems)
