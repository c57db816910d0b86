"""Why a transition is refused. Each becomes an error of the APIs; a list of possible transitions shows them before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.domain.errors import ServiceError


class Reason(StrEnum):
    """The code of a refusal.

    NOT_POSSIBLE: no such transition leaves the state.
    AMBIGUOUS: several transitions lead to the state.
    FINAL: the state is final.
    CONDITIONS: a condition does not hold.
    ROLE: the caller does not have the role.
    """

    NOT_POSSIBLE = "transition_not_possible"
    AMBIGUOUS = "transition_ambiguous"
    FINAL = "entity_is_final"
    CONDITIONS = "conditions_not_met"
    ROLE = "role_required"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that is refused.

    reason: the code.
    message: for people.
    state: the state that the entity is in.
    errors: the conditions that do not hold, or the names of the transitions that there are.
    """

    reason: Reason
    message: str
    state: str
    errors: Sequence[str] = ()


class TransitionRefused(ServiceError):
    """The entity's state, or a condition, does not allow the request. `code` is that of the refusal."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal
        self.code = refusal.reason.value


class EntityExists(ServiceError):
    """The thing is governed by this machine already. `entity_id` is its id."""

    code = "entity_exists"

    def __init__(self, table: str, key: str, entity_id: object) -> None:
        super().__init__(f"{table} {key!r} has been started with this machine; its entity is {entity_id}")
        self.entity_id = str(entity_id)


class SequenceMismatch(ServiceError):
    """The caller's precondition names another event than the last one."""

    code = "sequence_mismatch"

    def __init__(self, entity_id: object, current: int) -> None:
        super().__init__(f"entity {entity_id} is at event {current}; read it again and repeat the request")
        self.current = current


@dataclass(frozen=True, slots=True)
class Possible:
    """A transition that leaves the state.

    allowed: whether the request would succeed.
    blocked_by: the conditions that do not hold.
    """

    name: str
    target: str
    allowed: bool
    blocked_by: Sequence[str]
    context: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


class MachineInUse(ServiceError):
    """The machine governs entities, so it cannot be deleted."""

    code = "machine_in_use"

    def __init__(self, ref: object) -> None:
        super().__init__(f"machine {str(ref)!r} governs entities; their histories would be lost with it")


class EffectFailed(ServiceError):
    """A transition starts an execution that cannot be started, so nothing is stored."""

    code = "effect_failed"

    def __init__(self, effect: str, workflow: str, why: str) -> None:
        super().__init__(f"{effect} cannot start the workflow {workflow!r}: {why}")
