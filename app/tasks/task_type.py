"""The parts of a task type, and how its config is checked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from app.domain.callers import DEFAULT_TENANT
from app.domain.errors import Problem
from app.domain.handlers import Attempt, Handler, TaskError
from app.domain.paths import below
from app.tasks.rights import ANY, NO_HTTP_RIGHTS, HttpRights

_WORDING = {
    "missing": "is required",
    "string_type": "must be a string",
    "float_type": "must be a number",
    "int_type": "must be an integer",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
}


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """Options of `http` tasks.

    rights: what they can call beside public addresses, by the keys of tenants.
    max_response_bytes: the largest response that is read.
    call_seconds: the time limit of a call whose task has no timeout.
    own_ports: the ports at which this service listens on this machine.
    """

    rights: Mapping[str, HttpRights] = field(default_factory=dict)
    max_response_bytes: int = 1_048_576
    call_seconds: float = 30.0
    own_ports: frozenset[int] = frozenset()

    def rights_of(self, tenant: str) -> HttpRights:
        return self.rights.get(tenant, NO_HTTP_RIGHTS)


def _all_to_default() -> Mapping[str, frozenset[str]]:
    return {DEFAULT_TENANT: frozenset({ANY})}


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """Options of all task types.

    http: those of `http` tasks.
    python_threads: how many threads call functions.
    python_modules: the modules that register functions.
    functions: the names of the functions that tenants can call, by the keys of the tenants; `*` is any.
    """

    http: HttpOptions = field(default_factory=HttpOptions)
    python_threads: int = 16
    python_modules: tuple[str, ...] = ()
    functions: Mapping[str, frozenset[str]] = field(default_factory=_all_to_default)


class TaskConfig(BaseModel):
    """Base of the built-in types' configs: unknown fields, converted types and NaN are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


AnyConfig = TypeVar("AnyConfig", bound=BaseModel)


def _no_problems(config: Any) -> list[Problem]:
    return []


def _no_problems_of(config: Any, tenant: str) -> list[Problem]:
    return []


async def _nothing_to_close() -> None:
    return None


@dataclass(frozen=True, slots=True)
class TaskType:
    """A task type.

    config: the model that a task's config must fit.
    handler: runs the attempts.
    check: finds problems of a valid config that the model cannot find; their paths start with `config`.
    close: closes what the handler has opened; it must be possible to call it twice.
    tenant_check: as `check`, for what one tenant may use and another may not; gets the key of the tenant, too.
    """

    config: type[BaseModel]
    handler: Handler
    check: Callable[[Any], list[Problem]] = _no_problems
    close: Callable[[], Awaitable[None]] = _nothing_to_close
    tenant_check: Callable[[Any, str], list[Problem]] = _no_problems_of


def parse_config(model: type[AnyConfig], config: Mapping[str, Any]) -> AnyConfig:
    """The config as its model. Raise a `TaskError` that is not retryable when it does not fit."""
    try:
        return model.model_validate(dict(config))
    except ValidationError as error:
        raise invalid_config(model_problems(model, error, "config")) from None


def config_of(attempt: Attempt, model: type[AnyConfig]) -> AnyConfig:
    """As `parse_config` of the attempt's config. A config without expressions is parsed once for all attempts."""
    if attempt.kept is None:
        return parse_config(model, attempt.config)
    if (config := attempt.kept.get(model)) is None:
        config = attempt.kept[model] = parse_config(model, attempt.config)
    found: AnyConfig = config
    return found


def invalid_config(problems: list[Problem]) -> TaskError:
    text = "; ".join(f"{problem.path}: {problem.message}" for problem in problems)
    return TaskError("invalid_config", text, retryable=False)


def model_problems(
    model: type[BaseModel], error: ValidationError, path: str, open_places: frozenset[str] = frozenset()
) -> list[Problem]:
    """The problems of an invalid config. Values at `open_places`, paths such as `.headers.x`, are not known yet and are
    not checked.
    """
    return [
        Problem(_place(path, item["loc"]), _message(model, item))
        for item in error.errors(include_url=False)
        if _is_about_a_name(item) or not is_open(_place("", item["loc"]), open_places)
    ]


def is_open(place: str, open_places: frozenset[str]) -> bool:
    """Whether one of `open_places` is this place, is inside it, or contains it."""
    return any(_is_within(place, around) or _is_within(around, place) for around in open_places)


def _is_within(place: str, around: str) -> bool:
    return place == around or (place.startswith(around) and place[len(around)] in ".[")


def _is_about_a_name(item: ErrorDetails) -> bool:
    """True for a problem of a field's name: names cannot contain expressions, so an unknown one is always wrong."""
    return item["type"] == "extra_forbidden" or item["loc"][-1:] == ("[key]",)


def _place(path: str, location: tuple[int | str, ...]) -> str:
    return below(path, *(step for step in location if step != "[key]"))


def _message(model: type[BaseModel], item: ErrorDetails) -> str:
    if item["type"] == "extra_forbidden":
        return f"is not known here; known: {', '.join(model.model_fields)}"
    if (worded := _WORDING.get(item["type"])) is not None:
        return worded
    return item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
