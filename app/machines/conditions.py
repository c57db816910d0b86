"""The conditions of a transition: read once, checked for each request. All must hold; all that fail are named.

{"field_required": "approval_code"}          in the context of the request, or else in the data of the entity;
                                             an empty text and null are missing; a list of names asks for each
{"field_equals": {"kind": "fraud"}}          as above
{"role": "processor"}, {"roles": ["a", "b"]} the caller has the role, or one of them
{"cel": "data.amount > 100"}                 over data, context, actor, entity, state, entered_at, now
{"min_seconds_in_state": 60}
{"not_same_actor_as": "submit"}              another one than who made the entity's last transition of this name
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

import orjson

from app.domain.documents import rfc3339
from app.domain.errors import Problem
from app.domain.json_values import same_json
from app.expressions.errors import EvaluationError, ExpressionError
from app.expressions.expression import Expression, compile_expression
from app.expressions.limits import Meter
from app.expressions.names import ROOTS
from app.expressions.template import compile_condition
from app.machines.actors import Actor

OWN_ROOTS = frozenset({"data", "context", "actor", "entity", "state", "entered_at", "now"})
"""What expressions of machines may name."""

MAX_SECONDS = 366 * 24 * 3600.0
_KEPT = 4_096


class EntityMeter(Meter):
    """Nothing else runs in the process meanwhile, so the limit of a condition is a hundredth of that of a task."""

    __slots__ = ()
    steps, characters = 10_000, 262_144


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What conditions are checked against.

    data: of the entity, before the transition.
    context: of the request.
    actor: who makes the transition.
    entity: its id, machine, table and so on.
    state: the state that it is in.
    entered_at: since when.
    now: the instant of the request.
    last_actor_of: who has made the entity's last transition of a name; None if there was none.
    """

    data: Mapping[str, Any]
    context: Mapping[str, Any]
    actor: Actor
    entity: Mapping[str, Any]
    state: str
    entered_at: datetime
    now: datetime
    last_actor_of: Mapping[str, str]

    def scope(self) -> dict[str, Any]:
        """The names in expressions."""
        return {
            "data": self.data,
            "context": self.context,
            "actor": self.actor.document(),
            "entity": self.entity,
            "state": self.state,
            "entered_at": rfc3339(self.entered_at),
            "now": rfc3339(self.now),
        }


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition.

    name: as it is listed when it does not hold.
    is_role: whether it is about who calls; these are checked first.
    holds: checks it.
    """

    name: str
    is_role: bool
    holds: Callable[[Circumstances], bool]


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of one transition.

    all: in the order in which they were written.
    actors_of: the names of transitions whose last actor must be known to check them.
    """

    all: Sequence[Condition] = ()
    actors_of: frozenset[str] = frozenset()

    def failing(self, circumstances: Circumstances, *, of_roles: bool) -> list[str]:
        """The names of those about roles, or of the others, that do not hold."""
        wanted = (condition for condition in self.all if condition.is_role is of_roles)
        return [condition.name for condition in wanted if not condition.holds(circumstances)]


def read_conditions(document: Mapping[str, Any], path: str = "") -> tuple[Conditions, Sequence[Problem]]:
    """The conditions that a document states, and what is wrong with it; paths begin with `path`."""
    found: list[Condition] = []
    problems: list[Problem] = []
    for name, value in document.items():
        read = _READERS.get(name)
        if read is None:
            problems.append(Problem(f"{path}.{name}", f"is no condition: there are {', '.join(_READERS)}"))
            continue
        try:
            found += read(value)
        except _Wrong as error:
            problems.append(Problem(f"{path}.{name}", str(error)))
    named = document.get("not_same_actor_as")
    return Conditions(found, frozenset({named}) if isinstance(named, str) else frozenset()), problems


def own_expression(source: str) -> Expression:
    """An expression over the names of machines. Raise `ExpressionError`."""
    return _checked(source, compile_condition(source, compile_own))


@lru_cache(maxsize=_KEPT)
def compile_own(source: str, extra_roots: frozenset[str]) -> Expression:
    return _checked(source, compile_expression(source, extra_roots | OWN_ROOTS))


def _checked(source: str, expression: Expression) -> Expression:
    """Expressions of tasks have other names, which stand for nothing here."""
    if foreign := sorted(expression.names.roots & (ROOTS - OWN_ROOTS)):
        raise ExpressionError(f"{foreign[0]!r} is not known here; there are {', '.join(sorted(OWN_ROOTS))}")
    return expression


class _Wrong(Exception):
    """What is wrong with the value of a condition."""


def _required(value: Any) -> Iterator[Condition]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise _Wrong("must be the name of a field, or a list of names")
    for name in names:
        yield Condition(f"field_required: {name}", False, partial(_is_there, name))


def _is_there(name: str, found: Circumstances) -> bool:
    return _value(found, name) not in (None, "")


def _equals(value: Any) -> Iterator[Condition]:
    if not isinstance(value, Mapping) or not value:
        raise _Wrong("must be an object of fields and their values")
    for name, wanted in value.items():
        yield Condition(f"field_equals: {name} = {orjson.dumps(wanted).decode()}", False, partial(_equal, name, wanted))


def _equal(name: str, wanted: Any, found: Circumstances) -> bool:
    return same_json(_value(found, name), wanted)


def _value(found: Circumstances, name: str) -> Any:
    value = found.context.get(name)
    return found.data.get(name) if value in (None, "") else value


def _role(value: Any) -> Iterator[Condition]:
    if not isinstance(value, str) or not value:
        raise _Wrong("must be the name of a role")
    yield Condition(f"role: {value}", True, lambda found: found.actor.has_role(value))


def _roles(value: Any) -> Iterator[Condition]:
    if not isinstance(value, list) or not value or not all(isinstance(name, str) and name for name in value):
        raise _Wrong("must be a list of names of roles")
    yield Condition(f"roles: {', '.join(value)}", True, lambda found: any(map(found.actor.has_role, value)))


def _cel(value: Any) -> Iterator[Condition]:
    if not isinstance(value, str):
        raise _Wrong("must be an expression")
    try:
        expression = own_expression(value)
    except ExpressionError as error:
        raise _Wrong(str(error)) from None
    yield Condition(f"cel: {value}", False, lambda found: _is_true(expression, found))


def _is_true(expression: Expression, found: Circumstances) -> bool:
    """What has no value, such as a field that is missing, does not hold."""
    try:
        return expression.evaluate(found.scope(), EntityMeter()) is True
    except EvaluationError:
        return False


def _min_seconds(value: Any) -> Iterator[Condition]:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_SECONDS:
        raise _Wrong(f"must be a number of seconds from 0 to {MAX_SECONDS:.0f}")
    holds = lambda found: (found.now - found.entered_at).total_seconds() >= value  # noqa: E731
    yield Condition(f"min_seconds_in_state: {value}", False, holds)


def _other_actor(value: Any) -> Iterator[Condition]:
    if not isinstance(value, str) or not value:
        raise _Wrong("must be the name of a transition")
    holds = lambda found: found.last_actor_of.get(value) != found.actor.person  # noqa: E731
    yield Condition(f"not_same_actor_as: {value}", False, holds)


_READERS: Mapping[str, Callable[[Any], Iterator[Condition]]] = {
    "field_required": _required,
    "field_equals": _equals,
    "role": _role,
    "roles": _roles,
    "cel": _cel,
    "min_seconds_in_state": _min_seconds,
    "not_same_actor_as": _other_actor,
}
