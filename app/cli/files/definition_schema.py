"""`workflow schema`: the JSON Schema of a definition file, for editors and other checkers."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic.json_schema import models_json_schema

from app.api.rest.dialects.steps import SteppedWorkflow
from app.api.rest.workflow_bodies import WorkflowCreate
from app.cli.files.forms import is_of_steps
from app.cli.files.machine_schema import machine_schema
from app.cli.screen.console import results

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "urn:workflow:definition"

WITH_TASKS, WITH_STEPS = WorkflowCreate.__name__, SteppedWorkflow.__name__


def definition_schema() -> dict[str, Any]:
    """The JSON Schema of a new workflow over REST, with its key required, because a file is applied by its key.

    A document is checked as one of two forms, which are chosen by its field `steps`: so an editor reports what is wrong
    with this form, and not that neither fits.
    """
    _, schema = models_json_schema([(WorkflowCreate, "validation"), (SteppedWorkflow, "validation")])
    forms = schema["$defs"]
    _require_text(forms[WITH_TASKS], "key")
    _require_text(forms[WITH_STEPS], "id")
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        "title": "Workflow definition",
        "description": "A workflow and its tasks, or its steps, to be applied with `workflow apply`.",
        "type": "object",
        # Named here, too, so that editors offer it where it has not been written yet.
        "properties": {"steps": {"description": "In place of `tasks`: each step runs after the one before it."}},
        "if": {"required": ["steps"]},
        "then": {"$ref": f"#/$defs/{WITH_STEPS}"},
        "else": {"$ref": f"#/$defs/{WITH_TASKS}"},
        "$defs": forms,
    }


def form_of(document: Mapping[str, Any]) -> str:
    """The name of the definition in the schema's `$defs` that a document must fit."""
    return WITH_STEPS if is_of_steps(document) else WITH_TASKS


def _require_text(form: dict[str, Any], name: str) -> None:
    """Make a text that may be null or missing one that must be there."""
    part = form["properties"][name]
    text = next(choice for choice in part.pop("anyOf") if choice["type"] == "string")
    part.pop("default")
    form["properties"][name] = text | part
    form["required"] = [name, *form["required"]]


def print_schema(*, of_machines: bool = False) -> None:
    schema = machine_schema() if of_machines else definition_schema()
    results().out(json.dumps(schema, indent=2, ensure_ascii=False), highlight=False)
