"""Random requests for tables: as PostgREST writes them, and what rows they mean, judged in Python."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from random import Random
from typing import Any
from urllib.parse import quote

import orjson

from app.domain.json_values import same_json
from app.machines.listed import Kind, Resource

Row = Mapping[str, Any]
Truth = bool | None
"""None stands for what SQL calls unknown."""

ORDERED = (Kind.BIGINT, Kind.INTEGER, Kind.INSTANT, Kind.UUID)
"""Kinds whose order does not depend on a language."""

COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


@dataclass(frozen=True)
class Asked:
    """text: a condition, as `or=(…)` takes it. holds: whether a row meets it."""

    text: str
    holds: Callable[[Row], Truth]


@dataclass(frozen=True)
class Subject:
    """What is compared: its text, kind, and its value in a row, as SQL has it."""

    text: str
    kind: Kind
    value: Callable[[Row], Any]


class Requests:
    """Draws conditions over the columns of a resource, with values that its rows have."""

    def __init__(self, random: Random, resource: Resource, rows: Sequence[Row], keys: Sequence[str]) -> None:
        self._random = random
        self._rows = rows
        self._subjects = [
            _column(name, column.kind) for name, column in resource.columns.items() if column.kind is not Kind.JSON
        ]
        objects = [name for name, column in resource.columns.items() if column.kind is Kind.JSON]
        for name in objects:
            self._subjects += [_member(name, key, as_text=True) for key in keys]
            self._subjects += [_member(name, key, as_text=False) for key in keys]
        self._orderable = [name for name, column in resource.columns.items() if column.kind in ORDERED]

    def condition(self, depth: int = 3) -> Asked:
        if depth == 0 or self._random.random() < 0.5:
            return self._term()
        parts = [self.condition(depth - 1) for _ in range(self._random.randint(1, 3))]
        is_any, negated = self._random.random() < 0.5, self._random.random() < 0.3
        text = f"{'or' if is_any else 'and'}({','.join(part.text for part in parts)})"
        join = _any if is_any else _all
        holds = lambda row: join([part.holds(row) for part in parts])  # noqa: E731
        return _negated(text, holds, "not.") if negated else Asked(text, holds)

    def order(self) -> tuple[str, list[tuple[str, bool, bool]]]:
        """An order, as it is written, and column, direction and whether nulls come first."""
        names = self._random.sample(self._orderable, self._random.randint(1, 2))
        drawn = [(name, *(self._random.random() < 0.5 for _ in range(3))) for name in names]
        text = ",".join(
            name + (".desc" if down else "") + ((".nullsfirst" if first else ".nullslast") if stated else "")
            for name, down, first, stated in drawn
        )
        return text, [(name, down, first if stated else down) for name, down, first, stated in drawn]

    def _term(self) -> Asked:
        subject = self._random.choice(self._subjects)
        writes = [self._being, self._equal, self._equal, self._one_of]
        writes += [self._pattern] * (2 if subject.kind is Kind.TEXT else 0)
        writes += [self._compared] * (2 if subject.kind in ORDERED else 0)
        operation, holds = self._random.choice(writes)(subject)
        if self._random.random() < 0.3:
            operation, plain = f"not.{operation}", holds
            holds = lambda row: _not(plain(row))  # noqa: E731
        return Asked(f"{subject.text}.{operation}", holds)

    def _being(self, subject: Subject) -> tuple[str, Callable[[Row], Truth]]:
        if subject.kind is Kind.BOOLEAN and self._random.random() < 0.5:
            return "is.true", lambda row: subject.value(row) is True
        return "is.null", lambda row: subject.value(row) is None

    def _equal(self, subject: Subject) -> tuple[str, Callable[[Row], Truth]]:
        return self._by(subject, self._random.choice(["eq", "neq"]))

    def _compared(self, subject: Subject) -> tuple[str, Callable[[Row], Truth]]:
        return self._by(subject, self._random.choice(["gt", "gte", "lt", "lte"]))

    def _by(self, subject: Subject, word: str) -> tuple[str, Callable[[Row], Truth]]:
        wanted = self._value(subject)
        return f"{word}.{self._written(wanted, subject)}", lambda row: _known(COMPARE[word], subject.value(row), wanted)

    def _one_of(self, subject: Subject) -> tuple[str, Callable[[Row], Truth]]:
        wanted = [self._value(subject) for _ in range(self._random.randint(0, 3))]
        text = ",".join(self._written(value, subject) for value in wanted)
        empty = not wanted
        return f"in.({text})", lambda row: False if empty else _known(lambda a, b: a in b, subject.value(row), wanted)

    def _pattern(self, subject: Subject) -> tuple[str, Callable[[Row], Truth]]:
        text = str(self._value(subject)).replace("\\", "").replace("*", "").replace("%", "").replace("_", "")
        cut = self._random.randint(0, len(text))
        parts = [text[:cut], text[self._random.randint(cut, len(text)) :]]
        star, ignores = self._random.choice(["*", "%"]), self._random.random() < 0.5
        pattern = re.compile(".*".join(map(re.escape, parts)), re.DOTALL | (re.IGNORECASE if ignores else 0))
        written = self._written(star.join(parts), subject)
        matches = lambda row: _known(lambda a, _: bool(pattern.fullmatch(a)), subject.value(row), "")  # noqa: E731
        return f"{'ilike' if ignores else 'like'}.{written}", matches

    def _value(self, subject: Subject) -> Any:
        """A value of some row; another one if that is null."""
        value = subject.value(self._random.choice(self._rows))
        if value is not None:
            return value
        usual = {Kind.TEXT: "zzz", Kind.BOOLEAN: True, Kind.JSON: Document(7), Kind.INSTANT: "2026-01-02T12:00:00Z"}
        return usual.get(subject.kind, 5)

    def _written(self, value: Any, subject: Subject) -> str:
        if isinstance(value, Document):
            text = orjson.dumps(value.value).decode()
        else:
            text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
        needs_quotes = text == "" or text.startswith('"') or any(one in text for one in ",()")
        if not needs_quotes and self._random.random() < 0.5:
            return text
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


@dataclass(frozen=True, eq=False)
class Document:
    """A JSON value, which may be null, other than a value that is missing."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Document) and same_json(self.value, other.value)


def in_order(rows: Sequence[Row], wanted: Sequence[tuple[str, bool, bool]], key: Sequence[str]) -> list[Row]:
    """The rows as PostgreSQL sorts them. Those that are equal come by the key, in the direction of the last column."""
    found = sorted(rows, key=lambda row: tuple(row[name] for name in key), reverse=wanted[-1][1])
    for name, down, nulls_first in reversed(wanted):
        known = sorted((row for row in found if row[name] is not None), key=itemgetter(name), reverse=down)
        nulls = [row for row in found if row[name] is None]
        found = nulls + known if nulls_first else known + nulls
    return found


def query_of(**parameters: str) -> bytes:
    return "&".join(f"{name.replace('__', '.')}={quote(text, safe='')}" for name, text in parameters.items()).encode()


def _column(name: str, kind: Kind) -> Subject:
    return Subject(name, kind, lambda row: row[name])


def _member(name: str, key: str, *, as_text: bool) -> Subject:
    def value(row: Row) -> Any:
        found = row[name]
        if not isinstance(found, dict) or key not in found:
            return None
        if not as_text:
            return Document(found[key])
        inner = found[key]
        return inner if inner is None or isinstance(inner, str) else orjson.dumps(inner).decode()

    return Subject(f"{name}{'->>' if as_text else '->'}{key}", Kind.TEXT if as_text else Kind.JSON, value)


def _negated(text: str, holds: Callable[[Row], Truth], word: str) -> Asked:
    return Asked(f"{word}{text}", lambda row: _not(holds(row)))


def _known(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> Truth:
    return None if value is None else compare(value, wanted)


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth


def _any(truths: Sequence[Truth]) -> Truth:
    return True if True in truths else None if None in truths else False


def _all(truths: Sequence[Truth]) -> Truth:
    return False if False in truths else None if None in truths else True
