"""JSON Schemas (draft 2020-12) of users: checked before they are stored, and compiled in the same way everywhere.

A user's schema must not be able to block the process. Therefore it is limited in size, refers to nothing outside
itself, is not recursive, and its patterns match in linear time.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import orjson

from app.domain.errors import Problem
from app.domain.paths import below

Schema = Mapping[str, Any]

MAX_BYTES = 65_536
MAX_DEPTH = 50
MAX_PATTERNS = 100
MAX_KEYWORDS = 20_000
"""The largest number of keywords of a schema after each reference is replaced by its target."""

MAX_PATTERN_BYTES = 4_000_000
MAX_MESSAGE = 300
MOST_PROBLEMS = 20
DRAFT = "https://json-schema.org/draft/2020-12/schema"

_REFUSED = ("$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$vocabulary")
_DATA = frozenset({"const", "enum", "default", "examples"})
_BY_NAME = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})


def compile_schema(schema: Schema) -> jsonschema_rs.Draft202012Validator:
    """Compile a schema; nothing is fetched. Raise ValueError for an invalid schema."""
    patterns = jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN_BYTES)
    return jsonschema_rs.Draft202012Validator(dict(schema), offline=True, pattern_options=patterns)


def problems_of_schema(schema: Schema, path: str) -> list[Problem]:
    """Every problem of a schema; paths start with `path`."""
    size = len(orjson.dumps(schema))
    if size > MAX_BYTES:
        return [Problem(path, f"has {size} bytes; the limit is {MAX_BYTES}")]
    found = [Problem(path + place, message) for place, message in _misuses(schema)]
    return found or [Problem(path + place, _short(message)) for place, message in _invalidity(schema)]


def problems_of_value(validator: jsonschema_rs.Draft202012Validator, value: Any, path: str) -> list[Problem]:
    """The mismatches of a JSON value with the schema, at most `MOST_PROBLEMS`; paths start with `path`."""
    errors = islice(validator.iter_errors(value), MOST_PROBLEMS)
    return [Problem(below(path, *error.instance_path), _short(error.message)) for error in errors]


def _misuses(schema: Schema) -> Iterator[tuple[str, str]]:
    patterns = 0
    for value, place, depth in _subschemas(schema):
        if depth > MAX_DEPTH:
            yield "", f"must not be nested deeper than {MAX_DEPTH} levels"
            return
        patterns += "pattern" in value
        if isinstance(by_pattern := value.get("patternProperties"), Mapping):
            patterns += len(by_pattern)
        yield from ((below(place, name), message) for name, message in _wrong_keywords(value))
    if patterns > MAX_PATTERNS:
        yield "", f"has {patterns} patterns; the limit is {MAX_PATTERNS}"


def _subschemas(schema: Schema) -> Iterator[tuple[Schema, str, int]]:
    """Every object that may be a schema, with its path and depth."""
    waiting: list[tuple[Any, str, int, bool]] = [(schema, "", 0, False)]
    while waiting:
        value, place, depth, is_by_name = waiting.pop()
        if isinstance(value, Mapping):
            if not is_by_name:
                yield value, place, depth
            children = [(below(place, key), child, key) for key, child in _children(value, is_by_name)]
        else:
            children = [(below(place, n), child, "") for n, child in enumerate(value)] if _is_list(value) else []
        for where, child, key in reversed(children):
            waiting.append((child, where, depth + 1, key in _BY_NAME and not is_by_name))


def _children(value: Schema, is_by_name: bool) -> Iterator[tuple[str, Any]]:
    return ((key, child) for key, child in value.items() if is_by_name or key not in _DATA)


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple)


def _wrong_keywords(value: Schema) -> Iterator[tuple[str, str]]:
    if isinstance(draft := value.get("$schema"), str) and draft.removesuffix("#") != DRAFT:
        yield "$schema", f"must be {DRAFT}, or left out"
    if isinstance(target := value.get("$ref"), str) and not target.startswith("#/"):
        yield "$ref", "must point into the schema itself, like #/$defs/name"
    for name in _REFUSED:
        if name in value:
            yield name, "is not known here: a schema stands for itself alone"


def _invalidity(schema: Schema) -> Iterator[tuple[str, str]]:
    try:
        compile_schema(schema)
    except jsonschema_rs.ValidationError as error:
        yield below("", *error.instance_path), f"is no JSON Schema: {error.message}"
    except (jsonschema_rs.ReferencingError, ValueError) as error:
        yield "", f"is no JSON Schema: {error}"
    else:
        try:
            count = _Expansion(schema).count(schema, is_by_name=False)
        except _Endless:
            yield "", "must not refer back to itself"
            return
        except RecursionError:
            yield "", "is nested too deeply with its references filled in"
            return
        if count > MAX_KEYWORDS:
            yield "", f"has {count} keywords with its references filled in; the limit is {MAX_KEYWORDS}"


class _Endless(Exception):
    """A reference leads back to a schema that contains it."""


class _Expansion:
    """Counts keywords as if each reference were replaced by its target. Raise `_Endless` for a recursive one."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._counts: dict[str, int | None] = {}

    def count(self, value: Any, *, is_by_name: bool) -> int:
        if _is_list(value):
            return sum(self.count(item, is_by_name=False) for item in value)
        if not isinstance(value, Mapping):
            return 0
        inner = (
            self.count(child, is_by_name=key in _BY_NAME and not is_by_name)
            for key, child in _children(value, is_by_name)
        )
        target = value.get("$ref")
        return len(value) + sum(inner) + (self._count_target(target) if isinstance(target, str) else 0)

    def _count_target(self, target: str) -> int:
        if target not in self._counts:
            self._counts[target] = None
            self._counts[target] = self.count(_found(self._root, target), is_by_name=False)
        count = self._counts[target]
        if count is None:
            raise _Endless(target)
        return count


def _found(root: Schema, target: str) -> Any:
    """The target of a pointer such as `#/$defs/a`, which is known to exist."""
    value: Any = root
    for step in target.removeprefix("#/").split("/"):
        key = _unescaped(step)
        value = value[int(key)] if _is_list(value) else value[key]
    return value


def _unescaped(step: str) -> str:
    return unquote(step).replace("~1", "/").replace("~0", "~")


def _short(message: str) -> str:
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"
