"""What a workflow's input and a task's output have to keep: JSON Schemas, compiled once per revision."""

from collections.abc import Sequence
from typing import Any

from app.contracts.json_schemas import compile_schema, problems_of_schema, problems_of_value
from app.domain.definitions import Config
from app.domain.errors import Problem


class Contract:
    """One JSON Schema, as `app.contracts.json_schemas` knows them. Raise `ValueError` for what is none."""

    def __init__(self, schema: Config) -> None:
        self._validator = compile_schema(schema)

    def problems(self, value: Any, path: str) -> Sequence[Problem]:
        """What in the JSON value breaks the schema; `path` is where the value stands."""
        return problems_of_value(self._validator, value, path)


def contract(schema: Config | None) -> Contract | None:
    """None without a schema, and for one that this program cannot read although another one has stored it."""
    return None if schema is None or problems_of_schema(schema, "") else Contract(schema)
