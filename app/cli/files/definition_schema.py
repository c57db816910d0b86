"""`workflow schema`: the JSON Schema of a definition file, for editors and other checkers."""

import json
from typing import Any

from app.api.rest.workflow_bodies import WorkflowCreate
from app.cli.files.machine_schema import machine_schema
from app.cli.screen.console import results

DIALECT = "https://json-schema.org/draft/2020-12/schema"
IDENTIFIER = "urn:workflow:definition"


def definition_schema() -> dict[str, Any]:
    """The JSON Schema of a new workflow over REST, with `key` required, because a file is applied by its key."""
    schema = WorkflowCreate.model_json_schema()
    key = schema["properties"]["key"]
    text = next(choice for choice in key.pop("anyOf") if choice["type"] == "string")
    key.pop("default")
    return {
        "$schema": DIALECT,
        "$id": IDENTIFIER,
        **schema,
        "title": "Workflow definition",
        "description": "A workflow and its tasks, to be applied with `workflow apply`.",
        "properties": {**schema["properties"], "key": {**text, **key}},
        "required": ["key", *schema["required"]],
    }


def print_schema(*, of_machines: bool = False) -> None:
    schema = machine_schema() if of_machines else definition_schema()
    results().out(json.dumps(schema, indent=2, ensure_ascii=False), highlight=False)
