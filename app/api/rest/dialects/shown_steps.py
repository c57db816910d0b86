"""Shows a workflow as steps, where it could have been created from them."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.api.rest.dialects.step_configs import config_of_step

_TYPES = ("delay", "webhook")
_MARKS = tuple(f'"type":"{name}"'.encode() for name in _TYPES)
"""One of these is in the document of every workflow that is shown as steps. Most documents are so passed at once."""

_PLAIN_WORKFLOW: Mapping[str, Any] = {
    "timeout_seconds": None,
    "variables": {},
    "secrets": [],
    "input_schema": None,
    "retention_days": None,
    "start_task": None,
    "conditions": [],
    "max_visits": None,
}
_PLAIN_TASK: Mapping[str, Any] = {
    "description": None,
    "execution_type": "sync",
    "timeout_seconds": None,
    "retry": None,
    "depends_on": None,
    "on_failure": "fail",
    "compensate": [],
    "when": None,
    "for_each": None,
    "max_concurrency": None,
    "output_schema": None,
}


def with_steps(document: bytes) -> bytes:
    """The document of a workflow with the field `steps` at its end; unchanged if it cannot be shown so."""
    if not any(mark in document for mark in _MARKS):
        return document
    steps = steps_of(orjson.loads(document))
    return document if steps is None else b'%b,"steps":%b}' % (document[:-1], orjson.dumps(steps))


def steps_of(workflow: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The steps of which the workflow with this document could have been created; None if there are none."""
    if not (_is_plain(workflow, _PLAIN_WORKFLOW) and workflow["tasks"]):
        return None
    steps = [_step_of(task, number) for number, task in enumerate(workflow["tasks"], start=1)]
    found = [step for step in steps if step is not None]
    return found if len(found) == len(steps) else None


def _step_of(task: Mapping[str, Any], number: int) -> dict[str, Any] | None:
    if task["type"] not in _TYPES or task["sequence"] != number or not _is_plain(task, _PLAIN_TASK):
        return None
    config = config_of_step(task["config"])
    return None if config is None else {"name": task["name"], "type": task["type"], "config": config}


def _is_plain(document: Mapping[str, Any], plain: Mapping[str, Any]) -> bool:
    """Whether all fields have their defaults, which those have that a document of an older version lacks."""
    return all(document.get(name, default) == default for name, default in plain.items())
