"""Fields that only the service sets. Responses have them, and a client can send them back with a change.

Why each kind is treated as it is: docs/decisions/0027-read-only-fields.md.
"""

from collections.abc import Mapping
from enum import Enum, auto
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import Field

from app.api.rest.body_model import Body
from app.domain.stated import Stated


class Kind(Enum):
    """
    FIXED: never changes. Another value is refused.
    VERSION: every change by a caller sets it. Another value is refused, because it shows that there was such a change.
    MOVING: the service changes it at any time. Its value is ignored.
    SHOWN: says what other fields say. Another value is refused, because it would have to change those.
    """

    FIXED = auto()
    VERSION = auto()
    MOVING = auto()
    SHOWN = auto()


Value = TypeVar("Value")
READ_ONLY = {"readOnly": True}

Fixed = Annotated[Value, Kind.FIXED, Field(json_schema_extra=READ_ONLY)]
Version = Annotated[Value, Kind.VERSION, Field(json_schema_extra=READ_ONLY)]
Moving = Annotated[Value, Kind.MOVING, Field(json_schema_extra=READ_ONLY)]
Shown = Annotated[Value, Kind.SHOWN, Field(json_schema_extra=READ_ONLY)]


def omitted() -> Any:
    """For a field that has no default: if it is omitted, nothing is stated about it."""
    return Field(default_factory=lambda: None)


class Returned(Body):
    """The base of bodies that may have fields of type `Fixed`, `Version`, `Moving` and `Shown`."""

    def stated(self) -> Stated:
        return Stated(self._given(Kind.FIXED), self._given(Kind.VERSION))

    @classmethod
    def settable(cls) -> frozenset[str]:
        """The names of the fields that callers can set."""
        return frozenset(cls.model_fields) - read_only(cls).keys()

    def _given(self, kind: Kind) -> dict[str, Any]:
        kinds = read_only(type(self))
        return {name: getattr(self, name) for name in self.model_fields_set if kinds.get(name) is kind}


class StatedWarning(Body):
    """A warning that the response to a change had."""

    path: str
    message: str


Warnings = Moving[list[StatedWarning]]


@cache
def read_only(body: type[Body]) -> Mapping[str, Kind]:
    """The fields of `body` that only the service sets."""
    fields = body.model_fields.items()
    return {name: kind for name, field in fields for kind in field.metadata if isinstance(kind, Kind)}
