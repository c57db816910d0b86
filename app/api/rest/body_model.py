"""The base of all request bodies. It checks the types of fields strictly; the domain checks the rules of values.

The bounds in the schemas are documentation. `app.domain.definitions` defines and checks them, so that they are the same
for all APIs.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from app.domain.definitions import MAX_DESCRIPTION, MAX_NAME, MAX_TIMEOUT_SECONDS

Conversions = Mapping[str, Callable[[Any], Any]]

UP_TO_MAX_TIMEOUT = {"exclusiveMinimum": 0, "maximum": MAX_TIMEOUT_SECONDS}


class Body(BaseModel):
    """A request body. Unknown fields and values of another type are refused."""

    model_config = ConfigDict(strict=True, extra="forbid")

    def values(self, names: Iterable[str], conversions: Conversions) -> dict[str, Any]:
        """The named fields, converted to the domain's types."""
        return {name: conversions.get(name, _same)(getattr(self, name)) for name in names}


def in_utc(instant: datetime) -> datetime:
    """For validators: raise `ValueError` for an instant that UTC cannot represent."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("is too far from now") from None


def _text_only(value: Any) -> Any:
    """Refuse numbers, which pydantic would read as seconds since 1970."""
    if isinstance(value, str):
        return value
    raise ValueError("must be an instant with an offset, like 2026-01-31T02:00:00Z")


Instant = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_text_only), AfterValidator(in_utc)]

QueryInstant = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""An instant in the query of a request."""


def with_example(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


def bounds(minimum: float, maximum: float) -> Any:
    return {"minimum": minimum, "maximum": maximum}


def _same(value: Any) -> Any:
    return value


Name = Annotated[str, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_NAME, "pattern": r"\S"})]
Description = Annotated[str | None, Field(json_schema_extra={"maxLength": MAX_DESCRIPTION})]
