"""What a task type consists of, and how its config is checked."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from app.domain.errors import Problem
from app.domain.handlers import Attempt, Handler, TaskError

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
    """`allowed_hosts` holds `host` and `host:port` in lower case: they may have private addresses."""

    allow_private: bool = False
    allowed_hosts: frozenset[str] = frozenset()
    max_response_bytes: int = 1_048_576
    call_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class TaskOptions:
    http: HttpOptions = field(default_factory=HttpOptions)
    python_threads: int = 16
    python_modules: tuple[str, ...] = ()


class TaskConfig(BaseModel):
    """Base of the built-in types' configs: nothing unknown, nothing converted, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


AnyConfig = TypeVar("AnyConfig", bound=BaseModel)


def _no_problems(config: Any) -> list[Problem]:
    return []


async def _nothing_to_close() -> None:
    return None


@dataclass(frozen=True, slots=True)
class TaskType:
    """`check` gets the valid config and finds what its model cannot see; its paths start with `config`.

    `close` ends what the handler opened; it must bear being called twice.
    """

    config: type[BaseModel]
    handler: Handler
    check: Callable[[Any], list[Problem]] = _no_problems
    close: Callable[[], Awaitable[None]] = _nothing_to_close


def parse_config(model: type[AnyConfig], config: Mapping[str, Any]) -> AnyConfig:
    """The config as its model; raise a `TaskError` that no retry can help when it does not fit."""
    try:
        return model.model_validate(dict(config))
    except ValidationError as error:
        raise invalid_config(model_problems(model, error, "config")) from None


def config_of(attempt: Attempt, model: type[AnyConfig]) -> AnyConfig:
    """The attempt's config as `parse_config` answers it, worked out once for all attempts of a plain one."""
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
    """At `open_places`, paths such as `.headers.x`, stands something that is not known yet: its value is not judged."""
    return [
        Problem(_place(path, item["loc"]), _message(model, item))
        for item in error.errors(include_url=False)
        if _is_about_a_name(item) or not is_open(_place("", item["loc"]), open_places)
    ]


def is_open(place: str, open_places: frozenset[str]) -> bool:
    """Whether one of `open_places` is this place, stands within it, or around it."""
    return any(_is_within(place, around) or _is_within(around, place) for around in open_places)


def _is_within(place: str, around: str) -> bool:
    return place == around or (place.startswith(around) and place[len(around)] in ".[")


def _is_about_a_name(item: ErrorDetails) -> bool:
    """Names are never filled in: an unknown one is wrong whatever its value will be."""
    return item["type"] == "extra_forbidden" or item["loc"][-1:] == ("[key]",)


def _place(path: str, location: tuple[int | str, ...]) -> str:
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in location if step != "[key]")
    return path + "".join(steps)


def _message(model: type[BaseModel], item: ErrorDetails) -> str:
    if item["type"] == "extra_forbidden":
        return f"is not known here; known: {', '.join(model.model_fields)}"
    if (worded := _WORDING.get(item["type"])) is not None:
        return worded
    return item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
