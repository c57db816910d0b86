"""The JSON Schemas of a workflow's input and a task's output, compiled once per revision."""

from collections.abc import Sequence
from typing import Any

from app.contracts.json_schemas import (
    MAX_PATTERN_WEIGHT,
    compile_schema,
    keywords_of,
    patterns_of,
    problems_of_schema,
    problems_of_value,
    too_heavy,
    weight_of_patterns,
)
from app.domain.definitions import Config
from app.domain.errors import Problem
from app.domain.pattern_weights import A_PATTERN
from app.domain.payloads import Payload

MOST_CHECKS = 700_000
"""The most checks of a value that are made where everything else waits meanwhile. A check takes 5 to 130 ns."""

CHECKS_FOR_A_MESSAGE = 20
"""How many checks of a keyword the search for the first mismatch can cost."""

STATES_A_CHECK = 100
"""A pattern usually takes 2 ns per character, but can take 1 ns for each of its states. The worst case is counted."""


class Contract:
    """One compiled JSON Schema. Raise `ValueError` for an invalid schema.

    Attributes:
        schema: its text in JSON, as a value.
    """

    def __init__(self, schema: Config) -> None:
        self.schema = schema
        self._checks = keywords_of(schema)
        weight = weight_of_patterns(schema)
        self._states = weight - A_PATTERN * sum(1 for _ in patterns_of(schema))
        self._refusal = _refusal(weight)
        self._validator = compile_schema({} if self._refusal else schema)

    def cost(self, text: str) -> int:
        """An upper bound of the checks that a value with this JSON text needs: it multiplies, and it may be too large.

        Each keyword can look at each value, and each pattern at each character.
        """
        values = text.count(",") + text.count("[") + text.count("{") + 1
        for_patterns = len(text) * self._states // STATES_A_CHECK
        return self._checks * (values + CHECKS_FOR_A_MESSAGE) + for_patterns

    def problems(self, value: Any, path: str) -> Sequence[Problem]:
        """The first mismatch of the JSON value with the schema, or none; `path` is the path of the value.

        Takes as long as `cost` says: for values whose text was not compared with a limit, use `problems_of_text`.
        """
        if self._refusal is not None:
            return [Problem(path, self._refusal)]
        return problems_of_value(self._validator, value, path)

    def problems_of_text(self, text: str | None, path: str) -> Sequence[Problem]:
        """As `problems`, of a JSON text; None stands for `null`. A value that needs more than `MOST_CHECKS` is refused,
        because nothing else can run meanwhile.
        """
        return self.problems_of_payload(Payload(text or "null"), path)

    def problems_of_payload(self, payload: Payload, path: str) -> Sequence[Problem]:
        """As `problems_of_text`."""
        if (cost := self.cost(payload.text)) > MOST_CHECKS:
            return [Problem(path, f"takes about {cost} checks of its schema; the limit here is {MOST_CHECKS}")]
        return self.problems(payload.value, path)


def _refusal(weight: int) -> str | None:
    """Why a stored schema is not compiled: it was stored before there was this limit."""
    if weight <= MAX_PATTERN_WEIGHT:
        return None
    return f"cannot be checked, because its schema {too_heavy(weight, MAX_PATTERN_WEIGHT)}"


def contract(schema: Config | None) -> Contract | None:
    """The contract of a schema; None without a schema, and for one that a newer version stored and this one cannot
    read. One whose patterns are too heavy refuses every value.
    """
    if schema is None:
        return None
    if weight_of_patterns(schema) > MAX_PATTERN_WEIGHT:
        return Contract(schema)
    return None if problems_of_schema(schema, "") else Contract(schema)
