"""Who makes a transition."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.domain.callers import EVERYONE, Caller
from app.domain.permissions import Role

TIMER = "timer"
EXECUTION = "execution:"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a transition.

    name: the principal of a caller, `timer`, or `execution:ID`.
    roles: the names of its roles; None for one that has all of them.
    on_behalf_of: for whom a caller acts, by its own word; None for itself.
    """

    name: str
    roles: frozenset[str] | None = None
    on_behalf_of: str | None = None

    @property
    def person(self) -> str:
        """Who is meant when two transitions must not be made by the same."""
        return self.on_behalf_of or self.name

    def has_role(self, role: str) -> bool:
        return self.roles is None or role in self.roles

    def document(self) -> Mapping[str, Any]:
        """As expressions see it."""
        return {"name": self.name, "roles": sorted(self.roles or ()), "on_behalf_of": self.on_behalf_of}


def actor_of(caller: Caller, on_behalf_of: str | None = None) -> Actor:
    """A caller has its own role, those below it, and the groups that its credentials name.

    While authentication is off, everyone has every role.
    """
    if caller.principal == EVERYONE:
        return Actor(EVERYONE, None, on_behalf_of)
    return Actor(caller.principal, _service_roles(caller.role) | caller.groups, on_behalf_of)


def is_automatic(name: str) -> bool:
    """Whether an actor of this name is no caller."""
    return name == TIMER or name.startswith(EXECUTION)


def timer() -> Actor:
    """The service itself: roles are for people, so it has all of them."""
    return Actor(TIMER)


def execution_actor(execution_id: object) -> Actor:
    return Actor(f"{EXECUTION}{execution_id}")


def _service_roles(role: Role | None) -> frozenset[str]:
    if role is None:
        return frozenset()
    roles = list(Role)
    return frozenset(one.value for one in roles[: roles.index(role) + 1])
