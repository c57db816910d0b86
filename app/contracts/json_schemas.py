"""JSON Schemas (draft 2020-12) of users: checked before they are stored, and compiled in the same way everywhere.

A user's schema must not be able to block the process. Therefore it is limited in size, refers to nothing outside
itself, is not recursive, and its patterns match in linear time.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import orjson

from app.domain.errors import Problem
from app.domain.paths import below
from app.domain.pattern_weights import pattern_weight

Schema = Mapping[str, Any]

MAX_BYTES = 65_536
MAX_DEPTH = 50
MAX_PATTERNS = 100
MAX_KEYWORDS = 20_000
"""The largest number of keywords of a schema after each reference is replaced by its target."""

MAX_PATTERN_BYTES = 4_000_000
MAX_PATTERN_WEIGHT = 150_000
"""The largest weight of all patterns of a schema, see `pattern_weight`. Compiling them takes about 50 ms."""

MAX_MESSAGE = 300
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
    """The first mismatch of a JSON value with the schema, or none; the path starts with `path`.

    Only the first one: to collect all of them takes a thousand times as long as to find that there is one.
    """
    if validator.is_valid(value):
        return []
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        return [Problem(below(path, *error.instance_path), _short(error.message))]
    return []


def patterns_of(schema: Schema) -> Iterator[str]:
    """The regular expressions of a schema, without those in its data and those that are nested too deeply."""
    waiting: list[tuple[Any, int, bool]] = [(schema, 0, False)]
    while waiting:
        value, depth, is_by_name = waiting.pop()
        if depth > MAX_DEPTH:
            continue
        if _is_list(value):
            waiting += [(item, depth + 1, False) for item in value]
        elif isinstance(value, dict | Mapping):
            if not is_by_name:
                yield from _own_patterns(value)
            waiting += [
                (child, depth + 1, key in _BY_NAME and not is_by_name) for key, child in _children(value, is_by_name)
            ]


def _own_patterns(schema: Schema) -> Iterator[str]:
    if isinstance(pattern := schema.get("pattern"), str):
        yield pattern
    if isinstance(by_pattern := schema.get("patternProperties"), Mapping):
        yield from by_pattern


def weight_of_patterns(schema: Schema) -> int:
    """The sum of the weights of a schema's patterns."""
    # Most schemas have none, and a search of the text is a hundred times as fast.
    return sum(map(pattern_weight, patterns_of(schema))) if b'"pattern' in orjson.dumps(schema) else 0


def keywords_of(schema: Schema) -> int:
    """The number of checks that a schema can make of one value: its schemas and their keywords, each reference replaced
    by its target, the names in lists such as `required`, and the values within `const` and `enum`. An invalid schema
    counts as the largest one.
    """
    try:
        return _Checks(schema).count(schema, is_by_name=False)
    except (_Endless, RecursionError, LookupError, ValueError):
        return MAX_KEYWORDS


def _misuses(schema: Schema) -> Iterator[tuple[str, str]]:
    for value, place, depth in _subschemas(schema):
        if depth > MAX_DEPTH:
            yield "", f"must not be nested deeper than {MAX_DEPTH} levels"
            return
        yield from ((below(place, name), message) for name, message in _wrong_keywords(value))
    patterns = sum(1 for _ in patterns_of(schema))
    if patterns > MAX_PATTERNS:
        yield "", f"has {patterns} patterns; the limit is {MAX_PATTERNS}"
    elif (weight := weight_of_patterns(schema)) > MAX_PATTERN_WEIGHT:
        yield "", too_heavy(weight, MAX_PATTERN_WEIGHT)


def too_heavy(weight: int, limit: int) -> str:
    return (
        f"has patterns of about {weight} states; the limit is {limit}. Repetitions such as {{80}} multiply the states "
        "of what they repeat, and \\pL has 1200: check a length with maxLength"
    )


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


class _Checks(_Expansion):
    """Counts more than keywords: see `keywords_of`. Plain values of an `enum` are found by one look."""

    def count(self, value: Any, *, is_by_name: bool) -> int:
        if _is_list(value):
            return super().count(value, is_by_name=False) + sum(isinstance(item, str) for item in value)
        if isinstance(value, Mapping) and not is_by_name:
            data = (value[name] for name in ("const", "enum") if name in value)
            return 1 + super().count(value, is_by_name=False) + sum(map(_values_within, data))
        return super().count(value, is_by_name=is_by_name)


def _values_within(value: Any) -> int:
    """The number of values in the lists and objects of a list or object."""
    items = value.values() if isinstance(value, Mapping) else value if _is_list(value) else ()
    return sum(1 + _values_within(item) for item in items if isinstance(item, Mapping) or _is_list(item))


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
