"""Converts pydantic's errors to problems with fields, in the words of this API."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.api.rest.dialects.new_workflow import STEPS_FORM, TASKS_FORM
from app.api.rest.read_only_fields import read_only
from app.api.rest.schedule_bodies import ScheduleReplace
from app.api.rest.task_bodies import TaskReplace
from app.api.rest.workflow_bodies import WorkflowReplace
from app.domain.errors import Problem
from app.domain.paths import from_top

# Replaces messages of pydantic that are less clear. `{…}` are the values in pydantic's error.
SENTENCES = {
    "missing": "is required",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be a string",
    "int_type": "must be an integer",
    "int_parsing": "must be an integer",
    "int_from_float": "must be an integer",
    "int_parsing_size": "is too large a number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "too_short": "must have {min_length} or more items",
    "string_too_short": "must have {min_length} characters or more",
    "string_too_long": "must have {max_length} characters or less",
}

FORMS = frozenset({TASKS_FORM, STEPS_FORM})
"""Parts of locations that are no fields."""

SET_BY_THE_SERVICE = frozenset[str]().union(*map(read_only, (WorkflowReplace, TaskReplace, ScheduleReplace)))


def field_problems(errors: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Convert pydantic's errors of a request. Their locations begin with a part of the request, such as `body`."""
    return [Problem(field_path(item["loc"]), _sentence(item)) for item in errors]


def field_path(location: Sequence[int | str]) -> str:
    """`("body", "tasks", 2, "name")` as `tasks[2].name`; the whole body is `body`."""
    return from_top(*(part for part in location[1:] if part not in FORMS)) or str(location[0])


def _sentence(item: Mapping[str, Any]) -> str:
    if item["type"] == "extra_forbidden" and item["loc"][-1] in SET_BY_THE_SERVICE:
        return "is not a field of this request; leave out what only the service sets"
    known = SENTENCES.get(item["type"])
    return str(item["msg"]).removeprefix("Value error, ") if known is None else known.format(**item.get("ctx", {}))
