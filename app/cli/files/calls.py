"""Calls between the definitions of one command: what they call is sent before them, and what is sent exists."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.cli.files.definition_files import Definition
from app.domain.calls import CALLED, CALLING_TYPE
from app.domain.errors import Problem


def called_first(definitions: Sequence[Definition]) -> list[Definition]:
    """The definitions in their order, but each after those that it calls, unless they call each other."""
    by_key = {definition.key: definition for definition in definitions}
    placed: dict[str, Definition] = {}
    for definition in definitions:
        _place(definition, by_key, placed)
    return list(placed.values())


def _place(first: Definition, by_key: dict[str, Definition], placed: dict[str, Definition]) -> None:
    """Depth first, without recursion: files may call each other in a chain of any length."""
    begun = {first.key}
    open_ones = [(first, iter(_keys(first)))]
    while open_ones:
        definition, calls = open_ones[-1]
        called = next((key for key in calls if key in by_key and key not in begun | placed.keys()), None)
        if called is None:
            placed.setdefault(definition.key, definition)
            open_ones.pop()
        else:
            begun.add(called)
            open_ones.append((by_key[called], iter(_keys(by_key[called]))))


def without_companions(
    warnings: Iterable[Problem], definition: Definition, companions: Iterable[Definition]
) -> list[Problem]:
    """The warnings of a definition, except calls of `companions`, which come into the service with it."""
    keys = {companion.key for companion in companions}
    known = {path for path, key in _calls(definition) if key in keys}
    return [warning for warning in warnings if warning.path not in known]


def reached_from(definition: Definition, companions: Iterable[Definition]) -> list[Definition]:
    """Those of `companions` that the definition calls, directly or through each other; never itself."""
    by_key = {companion.key: companion for companion in companions}
    reached: dict[str, Definition] = {}
    waiting = [definition]
    while waiting:
        for key in _keys(waiting.pop()):
            if key in by_key and key not in reached and key != definition.key:
                reached[key] = by_key[key]
                waiting.append(by_key[key])
    return list(reached.values())


def _keys(definition: Definition) -> list[str]:
    return [key for _, key in _calls(definition)]


def _calls(definition: Definition) -> Iterator[tuple[str, str]]:
    """The path and the text of each call. The document may be invalid, so nothing is expected of its types."""
    tasks = definition.document.get("tasks")
    for index, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if _field(task, "type") == CALLING_TYPE and isinstance(called := _field(_field(task, "config"), CALLED), str):
            yield f"tasks[{index}].config.{CALLED}", called


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None
