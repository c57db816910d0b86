"""What the engine needs from outside. `adapters/` implements these protocols, `wiring/` joins them to the engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.domain.actions import Act
from app.domain.definitions import Workflow
from app.domain.errors import Unavailable
from app.domain.events import Event
from app.domain.executions import Execution, Parent
from app.domain.handlers import Handler
from app.domain.payloads import Payload
from app.domain.refs import Ref
from app.domain.states import ExecutionStatus
from app.engine.execution_filter import ExecutionFilter

NEW_WORK = "workflow_work"
NEW_COMMANDS = "workflow_commands"
NEW_EVENTS = "workflow_events"
ENTITY_WORK = "workflow_entity_work"
"""The channel of wake-ups about ends that entities wait for, and about states that executions wait for."""

CANCEL = "cancel"
PAUSE = "pause"
RESUME = "resume"
SIGNAL = "signal"
SKIP = "skip"
CHILD_ENDED = "child_ended"
COMMANDS = frozenset({CANCEL, PAUSE, RESUME, SIGNAL, SKIP, CHILD_ENDED})
"""The type of a `ControlCommand`."""

LOOK_AGAIN_SECONDS = 60.0
"""After so long at most, what waits for a time is looked at again, because a clock may have been set meanwhile."""


class StoreUnreachable(Unavailable):
    """The database is unreachable. It is unknown whether the call took effect."""


@dataclass(slots=True)
class Opening:
    """The row of a new execution. It is stored only if `revision` is current and the idempotency key is not in use.
    Its tenant is that of the stored workflow or revision.

    A step with an opening also has a `RowChange`.

    - workflow_id: the workflow to run
    - revision: the revision to run
    - input: the input of the execution
    - created_at: when the start was requested
    - idempotency_key: unique for the workflow; None when the caller gave none
    - origin_id: the execution that this one repeats, or None. Such an opening is for `enqueue` only. It is stored even
      if the workflow has another revision by now, or was deleted
    - created_data: the data of the first event, as JSON text
    - started_by: the principal that starts it; None for a child, and for callers without authentication
    """

    workflow_id: int
    revision: int
    input: Payload
    created_at: datetime
    idempotency_key: str | None = None
    origin_id: UUID | None = None
    created_data: str | None = None
    started_by: str | None = None


@dataclass(slots=True)
class RowChange:
    """How a step changes the row of its execution.

    - status: the new status; a final one also clears the owner
    - started_at: when the execution started; None leaves the row's value
    - finished_at: when it ended; None before that
    - output: JSON text
    - failure: JSON text
    """

    status: ExecutionStatus
    started_at: datetime | None = None
    finished_at: datetime | None = None
    output: str | None = None
    failure: str | None = None


@dataclass(slots=True)
class Step:
    """Changes of one execution that are stored together or not at all. Steps of an execution are stored in order.

    - execution_id: the execution
    - events: the new events
    - opening: the row of a new execution; None for an existing one
    - change: the change of the row; None when it does not change
    - done_commands: the ids of commands to remove
    - parking: set when the engine gives up ownership, because the execution only waits
    - family: what it changes for the parent and the children of the execution; None for nothing
    - entities: what it changes for entities; None for nothing
    """

    execution_id: UUID
    events: Sequence[Event]
    opening: Opening | None = None
    change: RowChange | None = None
    done_commands: Sequence[int] = ()
    parking: "Parking | None" = None
    family: "FamilyChange | None" = None
    entities: "EntityChange | None" = None


@dataclass(frozen=True, slots=True)
class ChildOpening:
    """A new child. It is stored with the step of its parent that names it, whatever has become of its workflow.

    - id: the child's id
    - opening: its row
    - parent: the task that has started it
    """

    id: UUID
    opening: Opening
    parent: Parent


@dataclass(frozen=True, slots=True)
class FamilyChange:
    """What a step changes for other executions.

    - openings: new children
    - stopped: the children that are asked to stop, with everything below them, and the reason for each
    - told: the parent that is told that the execution has ended; None while it has not, or without a parent
    - ends: True when the execution has ended and can have children: all below it that still run are asked to stop
    """

    openings: Sequence[ChildOpening] = ()
    stopped: Mapping[UUID, str] = field(default_factory=dict)
    told: UUID | None = None
    ends: bool = False


@dataclass(frozen=True, slots=True)
class EntityChange:
    """What a step changes for entities.

    - ends: True when it ends an execution that an entity has started, and that this entity may wait for
    - waits: the names of signals that tasks begin to wait for, and that the states of entities are
    """

    ends: bool = False
    waits: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Parking:
    """The execution only waits, so it needs no owner until it is due or a command arrives.

    A clock may be wrong at the moment of the parking and correct a little later. So the time is given twice, and the
    execution is due at the earlier of the two, on the database's clock. If that is too early, the engine that claims
    it keeps it for a while. Both are None when only a command can continue it.

    - seconds: how long it waits from now on
    - until: the time that the history gives
    - after: the number of the last event. When the history has grown since, the execution stays where it is: the
      connection was lost with this step, the same engine has claimed the execution again, and the step arrives late.
      None for any number
    - in_family: True when other executions may leave commands for it without making it due
    """

    seconds: float | None
    until: datetime | None = None
    after: int | None = None
    in_family: bool = False


@dataclass(frozen=True, slots=True)
class ChildEnd:
    """How a child has ended.

    - id: the child's id
    - status: its final status
    - output: JSON text
    - message: why it failed or was cancelled; empty if it completed
    """

    id: UUID
    status: ExecutionStatus
    output: str | None
    message: str


@dataclass(frozen=True, slots=True)
class ControlCommand:
    """A request from another process. It is removed when a step that carries it out is stored.

    - id: the number of the row; 0 before it is stored
    - execution_id: the execution
    - type: one of `COMMANDS`
    - reason: why, for all types except signals and ends of children
    - name: the name of the signal, or of the task to skip, or the id of the child
    - payload: JSON text, for signals
    - child: how the child has ended; None for other types
    - requested_by: the principal that has requested it; None for the service itself, and for callers without
      authentication
    """

    id: int
    execution_id: UUID
    type: str
    reason: str = ""
    name: str = ""
    payload: str = "null"
    child: ChildEnd | None = None
    requested_by: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A part of a history.

    - events: consecutive events
    - ended: True when the execution has ended and no event follows
    - exists: False when there is no such history, or it has been removed
    """

    events: Sequence[Event]
    ended: bool
    exists: bool = True


class Recording(Protocol):
    """Writes histories. Nothing is stored unless the engine's lease row exists. All methods return what is stored."""

    async def record(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        """Write steps in one transaction; return the executions whose steps are stored."""

    async def stored(self, steps: Sequence[Step]) -> set[UUID]:
        """Return the executions whose last event of `steps` is stored. Call it when `record` was interrupted."""


class ExecutionStore(Protocol):
    """What every process may do with the executions of one tenant, whether it runs an engine or not.

    An execution of another tenant is as one that does not exist.
    """

    async def enqueue(
        self, tenant_id: int, execution_id: UUID, opening: Opening, events: Sequence[Event], act: Act | None = None
    ) -> bool:
        """Store a new execution for any engine to claim, with its first events; False when the opening's conditions
        do not hold.

        With an `act`, the repetition of another execution is audited.
        """

    async def get(self, tenant_id: int, execution_id: UUID) -> Execution | None: ...

    async def find_by_idempotency_key(self, tenant_id: int, workflow_id: int, key: str) -> Execution | None: ...

    async def list_executions(
        self, tenant_id: int, wanted: ExecutionFilter, before: UUID | None, limit: int
    ) -> Sequence[Execution]:
        """Newest first, starting below `before`. Rows come without input and output."""

    async def read_history(self, tenant_id: int, execution_id: UUID, after: int, limit: int) -> HistoryPage: ...

    async def last_event(self, tenant_id: int, execution_id: UUID) -> Event | None: ...

    async def send_command(self, tenant_id: int, command: ControlCommand, act: Act | None = None) -> None:
        """Store a command for the owner, and make the execution due, so that a parked execution is claimed.

        `command.id` and `command.requested_by` are ignored. No command is stored for an execution that has ended.
        Without an `act`, the service itself sends it, and it is not audited.
        """

    async def cancel_descendants(self, tenant_id: int, execution_id: UUID, reason: str, act: Act | None = None) -> int:
        """Store a cancel for everything below the execution that has not ended; return how many these are.

        `act` as in `send_command`; nothing is audited if there are none.
        """


class FamilyReader(Protocol):
    async def count_descendants(self, root_id: UUID, limit: int) -> int:
        """How many executions, ended or not, are below the root of a family; `limit` if there are more."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One batch of a sweep.

    - looked_at: how many executions were looked at
    - removed: how many of these were removed
    - last_id: the id of the last one; None when there was none
    """

    looked_at: int
    removed: int
    last_id: UUID | None


class Expiry(Protocol):
    """Removes executions whose retention has ended, by the database's clock."""

    async def now(self) -> datetime: ...

    async def shortest_days(self) -> float | None:
        """The shortest retention of any workflow; None when all executions are kept without limit."""

    async def remove(self, after: UUID, before: UUID, limit: int) -> Removal | None:
        """Look at the next `limit` executions by id between `after` and `before`, and remove those whose retention has
        ended, with their histories. None when another process is doing so.
        """


@dataclass(frozen=True, slots=True)
class OwnedRevision:
    """A workflow as it was at a revision.

    - tenant: the key of its tenant, which never changes
    - workflow: the workflow
    """

    tenant: str
    workflow: Workflow


class DefinitionReader(Protocol):
    async def current(self, ref: Ref) -> tuple[int, int] | None:
        """(workflow id, current revision); None when the workflow does not exist."""

    async def revision(self, tenant_id: int, workflow_id: int, revision: int) -> OwnedRevision | None: ...


class Signals(Protocol):
    """Wake-ups between processes. A lost one only costs latency, because all receivers also poll."""

    async def announce(self, channel: str, payload: str) -> None: ...

    def subscribe(self, channel: str, listener: Callable[[str], None]) -> None: ...


class Handlers(Protocol):
    def handler(self, type: str | None) -> Handler | None:
        """The handler of a task type; None when this engine does not know the type."""


class UnusableSecret(Exception):
    """A secret has a value that cannot be hidden. The message names the secret and does not show its value."""


class Secrets(Protocol):
    """The secrets of all tenants. A tenant is given by its key, and has its own only."""

    def get(self, tenant: str, name: str) -> str | None:
        """The value of a secret; None when it is not set in this process. Raise `UnusableSecret`."""

    def values(self, tenant: str, name: str) -> Sequence[str]:
        """What has to be hidden: the values that the secret has and had in this process."""


class NoSecrets:
    def get(self, tenant: str, name: str) -> str | None:
        return None

    def values(self, tenant: str, name: str) -> Sequence[str]:
        return ()


class StartQuota(Protocol):
    def spend(self, tenant_id: int) -> None:
        """Take one start. Raise `StartsExceeded` when the tenant's callers have started too many."""


class NoStartQuota:
    """A `StartQuota` without a limit."""

    def spend(self, tenant_id: int) -> None:
        return None


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware, in UTC."""
