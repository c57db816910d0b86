"""The JSON Schemas of a workflow's input and a task's output, compiled once per revision."""

from collections.abc import Sequence
from typing import Any

from app.contracts.json_schemas import compile_schema, problems_of_schema, problems_of_value
from app.domain.definitions import Config
from app.domain.errors import Problem


class Contract:
    """One compiled JSON Schema. Raise `ValueError` for an invalid schema."""

    def __init__(self, schema: Config) -> None:
        self._validator = compile_schema(schema)

    def problems(self, value: Any, path: str) -> Sequence[Problem]:
        """Every mismatch of the JSON value with the schema; `path` is the path of the value."""
        return problems_of_value(self._validator, value, path)


def contract(schema: Config | None) -> Contract | None:
    """The contract of a schema; None without a schema, and for one that a newer version stored and this one cannot
    read.
    """
    return None if schema is None or problems_of_schema(schema, "") else Contract(schema)
