"""Adds `did you mean …?` to problems of a definition: near fields, tasks, task types and whatever a message lists."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.cli.files.forms import is_of_steps
from app.cli.near_names import did_you_mean
from app.domain.errors import Problem

MOST_PROBLEMS = 20

_UNKNOWN_FIELD = "is not a field of this request"
_UNKNOWN_TASK = re.compile(r"no task of this workflow is named (['\"])(.+)\1")
_LISTED = re.compile(r"(?:known: |; there are |; an expression knows )([^;]+)$")
_NAMED = re.compile(r"(['\"])(.+?)\1")
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")


def with_near_names(problems: Iterable[Problem], document: Mapping[str, Any]) -> list[Problem]:
    """The problems of a definition; the first ones say which names are near to a mistyped one."""
    given = list(problems)
    added = [_with_near_names(problem, document) for problem in given[:MOST_PROBLEMS]]
    return added + given[MOST_PROBLEMS:]


def _with_near_names(problem: Problem, document: Mapping[str, Any]) -> Problem:
    *parents, last = _STEP.findall(problem.path) or [""]
    near = ""
    if problem.message == _UNKNOWN_FIELD:
        near = did_you_mean(last, _fields_at(parents, document))
    elif found := _UNKNOWN_TASK.match(problem.message):
        near = did_you_mean(found[2], _task_names(document))
    elif listed := _LISTED.search(problem.message):
        named = _NAMED.search(problem.message)
        near = did_you_mean(named[2] if named else last, listed[1].split(", "))
    return replace(problem, message=problem.message + near)


def _task_names(document: Mapping[str, Any]) -> Iterator[str]:
    tasks = document.get("steps" if is_of_steps(document) else "tasks")
    for task in tasks if isinstance(tasks, list) else ():
        if isinstance(task, dict) and isinstance(task.get("name"), str):
            yield task["name"]


def _fields_at(steps: Sequence[str], document: Mapping[str, Any]) -> list[str]:
    """The fields that a part of a definition has, such as those of a task for `tasks`, `[2]`."""
    # Slow to import, and only a mistake needs it.
    from app.cli.files.definition_schema import definition_schema, form_of

    schema = definition_schema()
    part: Mapping[str, Any] = schema["$defs"][form_of(document)]
    for step in steps:
        part = part.get("items", {}) if step.startswith("[") else part.get("properties", {}).get(step, {})
        part = _resolved(part, schema["$defs"])
    return list(part.get("properties", ()))


def _resolved(part: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part itself, or what it refers to; of several alternatives, the one with a structure."""
    for option in (part, *part.get("anyOf", ())):
        if "$ref" in option:
            found: Mapping[str, Any] = definitions[option["$ref"].rpartition("/")[2]]
            return found
        if "items" in option:
            return dict(option)
    return part
