"""Reads JSON, with the line and column of every value."""

import json
import re
from typing import Any

from app.api.rest.files.places import DocumentError, Place
from app.domain.errors import Invalid
from app.domain.json_mistakes import NotJson
from app.domain.json_parsing import parse_json
from app.domain.json_values import MAX_DEPTH, too_deep

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def load_json(text: str) -> tuple[Any, Place]:
    """The value of a JSON text, and its places. Raise `DocumentError`."""
    try:
        return json_value(text), places_of(text)
    except Invalid as invalid:
        raise places_of(text).error(invalid.problems[0]) from None


def json_value(text: str) -> Any:
    """The value of a JSON text.

    Raise `DocumentError` for a text that is not JSON, has a name twice in one object, or is nested too deeply. Raise
    `Invalid` with the path of another value that cannot be used.
    """
    try:
        return parse_json(text, "")
    except NotJson as error:
        raise DocumentError(error.line, f"this is not JSON: {error.reason}", error.column) from None
    except Invalid:
        places_of(text)
        raise


def places_of(text: str) -> Place:
    """The places of a text that is JSON. Raise `DocumentError` for repeated names and for deep nesting."""
    return _Walk(text).places()


class _Walk:
    """Finds the positions, which the parser does not keep, by walking a text that is known to be valid."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line = 1
        self._line_start = 0
        self._seen = 0
        self._open: list[Place] = []
        self._field: tuple[str, Place] | None = None

    def places(self) -> Place:
        root: Place | None = None
        tokens = list(_TOKEN.finditer(self._text))
        for token, following in zip(tokens, [*tokens[1:], None], strict=True):
            if token[0] in "}]":
                self._open.pop()
            elif following is not None and following[0] == ":":
                self._name(token)
            elif token[0] not in ":,":
                place = self._value(self._here(token.start()))
                root = root or place
                if token[0] in "{[":
                    self._enter(place)
        assert root is not None
        return root

    def _enter(self, place: Place) -> None:
        # Behind this the text need not be JSON: the parser may have given up.
        if len(self._open) == MAX_DEPTH:
            raise DocumentError(place.line, too_deep(MAX_DEPTH), place.column)
        self._open.append(place)

    def _name(self, token: re.Match[str]) -> None:
        place, name = self._here(token.start()), json.loads(token[0])
        if name in self._open[-1].fields:
            message = f"the key {name!r} appears twice in one object"
            raise DocumentError(place.line, message, place.column)
        self._field = name, place

    def _value(self, place: Place) -> Place:
        """Read the value that begins at `place`, or the one whose name does."""
        if self._field is not None:
            name, place = self._field
            self._open[-1].fields[name] = place
            self._field = None
        elif self._open:
            self._open[-1].items.append(place)
        return place

    def _here(self, offset: int) -> Place:
        self._line += self._text.count("\n", self._seen, offset)
        self._line_start = max(self._line_start, self._text.rfind("\n", self._seen, offset) + 1)
        self._seen = offset
        return Place(self._line, offset - self._line_start + 1)
