"""What running executions needs from outside. Implemented in `adapters/`, joined in `wiring/`."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.domain.definitions import Workflow
from app.domain.errors import Unavailable
from app.domain.events import Event
from app.domain.executions import Execution
from app.domain.handlers import Handler
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.domain.states import ExecutionStatus

NEW_WORK = "workflow_work"
NEW_COMMANDS = "workflow_commands"
NEW_EVENTS = "workflow_events"

CANCEL = "cancel"
PAUSE = "pause"
RESUME = "resume"
SIGNAL = "signal"
SKIP = "skip"
COMMANDS = frozenset({CANCEL, PAUSE, RESUME, SIGNAL, SKIP})
"""The type of a `ControlCommand`."""


LOOK_AGAIN_SECONDS = 60.0
"""After so long at most, what waits for a time is looked at again, because a clock may have been set meanwhile."""


class StoreUnreachable(Unavailable):
    """The database did not answer; whether the call took effect is unknown."""


@dataclass(slots=True)
class Opening:
    """A new execution's row. It is stored only while the workflow is at `revision` and the idempotency key is free.

    The step that carries it also carries a `RowChange`. An opening with an `origin_id`, whose execution repeats that
    one, is for `enqueue` only, and is stored whatever has become of the workflow.
    """

    workflow_id: int
    revision: int
    input: Payload
    created_at: datetime
    idempotency_key: str | None = None
    origin_id: UUID | None = None


@dataclass(slots=True)
class RowChange:
    """The execution row after this step; `output` and `failure` are JSON text. A final status releases the owner."""

    status: ExecutionStatus
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: str | None = None
    failure: str | None = None


@dataclass(slots=True)
class Step:
    """What must become durable together for one execution. Its steps are stored in order, or not at all."""

    execution_id: UUID
    events: Sequence[Event]
    opening: Opening | None = None
    change: RowChange | None = None
    done_commands: Sequence[int] = ()
    parking: "Parking | None" = None


@dataclass(frozen=True, slots=True)
class Parking:
    """The execution only waits: it has no owner for so many seconds, or until a command comes.

    A clock may be wrong at the moment of the parking and right a little later. So the time is said twice, and the
    execution is due at the earlier of the two, on the database's clock. Where that is too early, the engine that claims
    it keeps it for a while. Both are None when only a command can continue it.

    - seconds: from now on
    - until: the time that the history says
    """

    seconds: float | None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """An execution that is now this engine's, with its whole history."""

    execution: Execution
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class ControlCommand:
    """A request from another process, kept until a step that acts on it is stored.

    `name` is the signal's, or the task's to skip; `payload` (JSON text) belongs to a signal, `reason` to the others.
    """

    id: int
    execution_id: UUID
    type: str
    reason: str = ""
    name: str = ""
    payload: str = "null"


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """`ended` is true when the execution has ended and nothing follows `events`; `exists` is false when there is no
    such history, or no more.
    """

    events: Sequence[Event]
    ended: bool
    exists: bool = True


class Recording(Protocol):
    """The writer's side of the history. Every write is fenced by the engine's lease row and returns what is stored."""

    async def record(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        """Write all steps in one transaction; return the executions whose steps are stored."""

    async def stored(self, steps: Sequence[Step]) -> set[UUID]:
        """After `StoreUnreachable`: the executions whose last event of `steps` is stored."""


class Ownership(Protocol):
    """Lease rows of engine processes, on the database's clock."""

    async def register(self, name: str, lease_seconds: float) -> int:
        """Add an engine's lease row; return its id."""

    async def renew(self, engine_id: int, lease_seconds: float) -> bool:
        """False when the lease row is gone: another engine has taken this one's executions over."""

    async def reap(self) -> int:
        """Remove engines whose lease has ended and free their executions; return how many were freed.

        Also remove commands that came when their execution had just ended.
        """

    async def release(self, engine_id: int) -> None:
        """Remove this engine's row and free what it still owns."""

    async def claim(self, engine_id: int, limit: int) -> Sequence[Claim]:
        """Take at most `limit` unowned executions that are due."""

    async def owned(self, engine_id: int) -> Collection[UUID]:
        """The unfinished executions that belong to this engine."""

    async def give_back(self, engine_id: int, execution_ids: Sequence[UUID], seconds: float) -> None:
        """Free those of the executions that belong to this engine; they are due again after `seconds`."""

    async def commands(self, engine_id: int) -> Sequence[ControlCommand]:
        """The waiting commands for executions of this engine, oldest first; none is removed by reading."""


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    workflow_id: int | None = None
    status: ExecutionStatus | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None


class ExecutionStore(Protocol):
    """What every process may do with executions, whether it runs an engine or not."""

    async def enqueue(self, execution_id: UUID, opening: Opening, events: Sequence[Event]) -> bool:
        """Store a new execution for any engine to claim, with its first events; False when the opening's conditions
        do not hold.
        """

    async def get(self, execution_id: UUID) -> Execution | None: ...

    async def find_by_idempotency_key(self, workflow_id: int, key: str) -> Execution | None: ...

    async def list_executions(self, wanted: ExecutionFilter, before: UUID | None, limit: int) -> Sequence[Execution]:
        """Newest first, starting below `before`. Rows come without input and output."""

    async def read_history(self, execution_id: UUID, after: int, limit: int) -> HistoryPage: ...

    async def last_event(self, execution_id: UUID) -> Event | None: ...

    async def send_command(self, command: ControlCommand) -> None:
        """Leave a command for the owner and make the execution due, if it has no owner, or once it is parked.

        `command.id` is not looked at. Nothing is left for an execution that has ended.
        """


@dataclass(frozen=True, slots=True)
class Removal:
    """One batch of a sweep.

    - looked_at: how many executions it has looked at
    - removed: how many of these it has removed
    - last_id: of the last one it has looked at; None when there was none
    """

    looked_at: int
    removed: int
    last_id: UUID | None


class Expiry(Protocol):
    """Removes executions that have ended too long ago, on the database's clock."""

    async def now(self) -> datetime: ...

    async def shortest_days(self) -> float | None:
        """The least time for which any execution is kept; None when all are kept without limit."""

    async def remove(self, after: UUID, before: UUID, limit: int) -> Removal | None:
        """Look at the next `limit` executions by id, and remove those whose time is up, with their histories.

        None when another process is doing so.
        """


class DefinitionReader(Protocol):
    async def current(self, ref: Ref) -> tuple[int, int] | None:
        """(workflow id, current revision); None when the workflow does not exist."""

    async def revision(self, workflow_id: int, revision: int) -> Workflow | None: ...


class Signals(Protocol):
    """Wake-ups between processes. A lost one costs latency only: everything is also polled."""

    async def announce(self, channel: str, payload: str) -> None: ...

    def subscribe(self, channel: str, listener: Callable[[str], None]) -> None: ...


class Handlers(Protocol):
    def handler(self, type: str | None) -> Handler | None:
        """The handler of a task type; None when this engine does not know the type."""


class Secrets(Protocol):
    def get(self, name: str) -> str | None:
        """The value of a secret; None when it is not set in this process."""


class NoSecrets:
    def get(self, name: str) -> str | None:
        return None


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
