"""The JSON Schemas of a workflow's input and a task's output, compiled once per revision."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import jsonschema_rs
import orjson

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

MOST_CHECKS = 200_000
"""The most checks of a value that are made where nothing can wait for an evaluator. A check takes 5 to 130 ns."""

CHECKS_FOR_A_MESSAGE = 20
"""How many checks of a keyword the search for the first mismatch can cost."""

STATES_A_CHECK = 100
"""A pattern usually takes 2 ns per character, but can take 1 ns for each of its states. The worst case is counted."""

SMALL_BYTES = 8_192
STEPS_A_BYTE = 6
"""Compiling takes 0.6 µs per byte, and so does the check before it."""

SMALL_WEIGHT = 15_000
"""Compiling patterns takes 0.2 to 0.4 µs per state."""


def is_small(schema: Config) -> bool:
    """True for a schema that is compiled in a few milliseconds."""
    return len(orjson.dumps(schema)) <= SMALL_BYTES and weight_of_patterns(schema) <= SMALL_WEIGHT


class Contract:
    """One JSON Schema, compiled when the first value is checked.

    A stored schema that this version cannot read accepts every value: a newer version stored it. One whose patterns are
    too heavy refuses every value: it was stored before there was this limit.

    Attributes:
        schema: its text in JSON, as a value.
    """

    def __init__(self, schema: Config) -> None:
        self.schema = schema

    @cached_property
    def is_small(self) -> bool:
        """True when it is compiled in a few milliseconds."""
        return is_small(self.schema)

    @cached_property
    def _size(self) -> int:
        return len(orjson.dumps(self.schema))

    @property
    def steps_to_compile(self) -> int:
        """What the first check takes in addition to all others, in steps of 0.2 µs."""
        return 0 if "_validator" in vars(self) else STEPS_A_BYTE * self._size

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
        return () if self._validator is None else problems_of_value(self._validator, value, path)

    def problems_of_text(self, text: str | None, path: str) -> Sequence[Problem]:
        """As `problems`, of a JSON text; None stands for `null`. A value that needs more than `MOST_CHECKS` is refused,
        because nothing else can run meanwhile.
        """
        payload = Payload(text or "null")
        return self.excess(payload, path) or self.problems(payload.value, path)

    def excess(self, payload: Payload, path: str) -> Sequence[Problem]:
        """The problem of a value that needs more than `MOST_CHECKS`."""
        if (cost := self.cost(payload.text)) <= MOST_CHECKS:
            return ()
        return [Problem(path, f"takes about {cost} checks of its schema; the limit here is {MOST_CHECKS}")]

    @cached_property
    def _weight(self) -> int:
        return weight_of_patterns(self.schema)

    @cached_property
    def _states(self) -> int:
        return self._weight - A_PATTERN * sum(1 for _ in patterns_of(self.schema))

    @cached_property
    def _checks(self) -> int:
        return keywords_of(self.schema)

    @cached_property
    def _refusal(self) -> str | None:
        if self._weight <= MAX_PATTERN_WEIGHT:
            return None
        return f"cannot be checked, because its schema {too_heavy(self._weight, MAX_PATTERN_WEIGHT)}"

    @cached_property
    def _validator(self) -> jsonschema_rs.Draft202012Validator | None:
        if self._refusal is not None or problems_of_schema(self.schema, ""):
            return None
        return compile_schema(self.schema)


def contract(schema: Config | None) -> Contract | None:
    """The contract of a schema; None without a schema."""
    return None if schema is None else Contract(schema)
