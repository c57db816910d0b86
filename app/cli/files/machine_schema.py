"""The JSON Schema of a machine in a definition file. What it cannot say, `workflow validate` checks."""

from typing import Any

from app.domain.definitions import MAX_DESCRIPTION, MAX_NAME
from app.machines.machine import MAX_STATES, MAX_TRANSITIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "urn:workflow:machine"

Schema = dict[str, Any]

_OWN: Schema = {"type": "object", "description": "Your own; stored as it is."}
_DESCRIPTION: Schema = {"type": "string", "maxLength": MAX_DESCRIPTION}
_NAME: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}


def machine_schema() -> Schema:
    about = {
        "key": {"type": "string", "description": "Identifies the machine; the name, if that can be a key."},
        "name": _NAME,
        "description": _DESCRIPTION,
        "version": {"type": ["string", "number"], "description": "Your own."},
        "metadata": _OWN,
    }
    wrapped = _object(about, ["name"])
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "State machine",
        "description": "A state machine of entities, to be applied with `workflow apply`.",
        **_object(
            {
                "kind": {"const": "machine"},
                **about,
                "machine": wrapped,
                "workflow": wrapped,
                "states": {"type": "array", "minItems": 1, "maxItems": MAX_STATES, "items": _state()},
                "transitions": {"type": "array", "maxItems": MAX_TRANSITIONS, "items": _transition()},
            },
            ["states"],
        ),
    }


def _state() -> Schema:
    fields = {
        "name": _NAME,
        "initial": {"type": "boolean", "description": "Entities begin in it."},
        "final": {"type": "boolean", "description": "Nothing leaves it."},
        "description": _DESCRIPTION,
        "metadata": _OWN,
        "after": _timer(),
        "on_enter": _run("it is entered"),
        "on_exit": _run("it is left"),
    }
    return {"anyOf": [_NAME, _object(fields, ["name"])]}


def _transition() -> Schema:
    fields = {
        "from": {**_NAME, "description": "A state, or `*` for every one that is not final."},
        "to": _NAME,
        "name": {**_NAME, "description": "The default is `to_` and the target."},
        "description": _DESCRIPTION,
        "conditions": _conditions(),
        "run": _run("it is made"),
        "context": _OWN,
        "metadata": _OWN,
    }
    return _object(fields, ["from", "to"])


def _conditions() -> Schema:
    names = {"type": "array", "minItems": 1, "items": {"type": "string"}}
    return _object(
        {
            "field_required": {"anyOf": [{"type": "string"}, names]},
            "field_equals": {"type": "object", "minProperties": 1},
            "role": {"type": "string"},
            "roles": names,
            "cel": {"type": "string", "description": "Over data, context, actor, entity, state, entered_at, now."},
            "min_seconds_in_state": {"type": "number", "minimum": 0},
            "not_same_actor_as": {"type": "string", "description": "The name of a transition."},
        },
        [],
    )


def _timer() -> Schema:
    fields: Schema = {
        "seconds": {"type": "number", "minimum": 0},
        "at": {"type": "string", "description": "An expression for an instant."},
        "to": _NAME,
        "transition": _NAME,
        "retry_seconds": {"type": "number", "minimum": 1},
    }
    return _object(fields, []) | {"description": "What leaves the state by itself."}


def _run(when: str) -> Schema:
    fields: Schema = {
        "workflow": {"type": ["string", "integer"], "description": "Its key or id."},
        "input": {"type": "object"},
        "on_completed": _NAME,
        "on_failed": _NAME,
    }
    described = {"description": f"The execution that is started when {when}."}
    return {"anyOf": [_NAME, _object(fields, ["workflow"])]} | described


def _object(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
