"""Line and column of the parts of a document, to report a problem of `tasks[2].config.url` at its line."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.domain.errors import Problem

_INDEX = re.compile(r"\[(\d{1,9})\]")


class DocumentError(Exception):
    """A text is not a document. `line` and `column` count from 1; None if the error has no place."""

    def __init__(self, line: int | None, message: str, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column
        self.message = message


@dataclass(slots=True)
class Place:
    """Line and column, from 1, of a value, or of its field's name if it has one.

    A YAML alias repeats one value in several places; their `fields` and `items` are then the same objects.
    """

    line: int
    column: int
    fields: dict[str, "Place"] = field(default_factory=dict)
    items: list["Place"] = field(default_factory=list)

    def find(self, path: str) -> "Place":
        """The place of a path such as `tasks[2].config.url`; if missing, of the mapping that should contain it."""
        place, rest = self, path
        while rest:
            step = next(_steps(place, rest), None)
            if step is None:
                break
            place, rest = step
        return place

    def error(self, problem: Problem) -> DocumentError:
        """The problem of a value within this one as an error with its place. Paths begin here, as `.tasks` or `[0]`."""
        path = problem.path.removeprefix(".")
        place = self.find(path)
        return DocumentError(place.line, f"{path}: {problem.message}" if path else problem.message, place.column)


def _steps(place: Place, path: str) -> Iterator[tuple[Place, str]]:
    """The places that the first step of `path` may mean, each with the rest. Names may contain dots: longest first."""
    index = _INDEX.match(path)
    if index and int(index[1]) < len(place.items):
        yield place.items[int(index[1])], path[index.end() :].removeprefix(".")
    for name in sorted(place.fields, key=len, reverse=True):
        rest = path.removeprefix(name)
        if path.startswith(name) and (not rest or rest[0] in ".["):
            yield place.fields[name], rest.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Passage:
    """A definition's part of a file: all of it, or one document of several."""

    file: str
    place: Place

    def at(self, path: str) -> str:
        """`file:line:column` of a path."""
        found = self.place.find(path)
        return f"{self.file}:{found.line}:{found.column}"

    def located(self, problem: Problem) -> str:
        """The problem on one line, `file:line:column: path: message`."""
        named = f"{problem.path}: " if problem.path else ""
        return f"{self.at(problem.path)}: {named}{problem.message}"

    def all_located(self, problems: Iterable[Problem]) -> list[str]:
        """One line for each problem, in the order of their places in the file."""
        return [self.located(problem) for problem in sorted(problems, key=self._order)]

    def _order(self, problem: Problem) -> tuple[int, int]:
        found = self.place.find(problem.path)
        return found.line, found.column
