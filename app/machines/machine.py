"""Machines as frozen values. Every change of a machine creates a new revision."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ANY = "*"
"""As `source` of a transition: every state that is not final, but the target."""

MAX_STATES = 200
MAX_TRANSITIONS = 2_000
MAX_DATA_BYTES = 65_536
MAX_AUTOMATIC = 20
"""So many transitions may follow one another without a caller."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """An execution that a transition starts, in the same commit.

    workflow: the key or the id of the workflow, as it was written.
    input: the input, a JSON object; its strings may have expressions.
    on_completed: the transition that is fired when the execution has completed; None for none.
    on_failed: the transition that is fired when it has failed or was cancelled; None for none.
    """

    workflow: str
    input: Json = field(default_factory=dict)
    on_completed: str | None = None
    on_failed: str | None = None


@dataclass(frozen=True, slots=True)
class Timer:
    """What leaves a state by itself. One of `seconds` and `at`, and one of `to` and `transition`.

    seconds: how long after the state was entered.
    at: an expression for an instant; it is evaluated when the state is entered.
    to: the target.
    transition: the name of the transition.
    retry_seconds: after how long it is tried again when its conditions do not hold.
    """

    seconds: float | None = None
    at: str | None = None
    to: str | None = None
    transition: str | None = None
    retry_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class State:
    """One state.

    initial: entities begin in it.
    final: nothing leaves it.
    metadata: the caller's own.
    after: its timer.
    on_enter: the execution that is started when it is entered.
    on_exit: the execution that is started when it is left.
    """

    name: str
    initial: bool = False
    final: bool = False
    description: str | None = None
    metadata: Json = field(default_factory=dict)
    after: Timer | None = None
    on_enter: Run | None = None
    on_exit: Run | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """One way from a state to another.

    source: the state that it leaves, or `ANY`.
    target: the state that it enters.
    name: unique among those that leave a state.
    conditions: as they were written; `conditions` reads them.
    run: the execution that it starts.
    context, metadata: the caller's own.
    """

    source: str
    target: str
    name: str
    description: str | None = None
    conditions: Json = field(default_factory=dict)
    run: Run | None = None
    context: Json = field(default_factory=dict)
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MachineDraft:
    """A machine as a caller describes it.

    key: None for a machine that has only an id.
    version: the caller's own.
    metadata: the caller's own.
    """

    name: str
    states: tuple[State, ...] = ()
    transitions: tuple[Transition, ...] = ()
    key: str | None = None
    description: str | None = None
    version: str | None = None
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine(MachineDraft):
    """One complete revision of a machine."""

    id: int
    revision: int
    created_at: datetime
    updated_at: datetime

    @property
    def etag(self) -> str:
        return f'"{self.id}-{self.revision}"'
