"""What a caller states about fields that only the service sets, because it sends back what it has read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from app.domain.documents import rfc3339
from app.domain.errors import Invalid, Outdated, Problem

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Stated:
    """Values by name; the thing that they are about has attributes with these names.

    fixed: values of fields that never change.
    versions: values of fields that have a new value after each change by a caller.
    """

    fixed: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.fixed or self.versions)

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.fixed, *self.versions)

    def checked(self, thing: Thing) -> Thing:
        """Return `thing`. Raise `Invalid` or `Outdated` unless everything stated about it is true."""
        if found := self.problems(thing):
            raise Invalid(found)
        self.check_version(thing)
        return thing

    def problems(self, thing: object, path: str = "") -> list[Problem]:
        """One problem per fixed field with another value; paths start with `path`."""
        return [
            Problem(f"{path}{name}", f"is {_shown(current)} and cannot be changed")
            for name, value in self.fixed.items()
            if (current := getattr(thing, name)) != value
        ]

    def check_version(self, thing: object, path: str = "") -> None:
        """Raise `Outdated` if `thing` was changed after it had the stated values."""
        for name, value in self.versions.items():
            if (current := getattr(thing, name)) != value:
                raise Outdated(f"{path}{name}", _shown(current), _shown(value))


NOTHING_STATED = Stated()


def _shown(value: Any) -> str:
    return str(rfc3339(value) if isinstance(value, datetime) else value)
