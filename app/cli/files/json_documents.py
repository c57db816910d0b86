"""Reads JSON strictly (no repeated keys, no NaN), with the line and column of every value."""

import json
import re
from typing import Any

from app.cli.files.places import DocumentError, Place

# What Python's parser says less clearly, by the beginning of its message.
_SENTENCES = {
    "Expecting value": "a value is missing here",
    "Expecting property name": "a name in double quotes is missing here",
    "Expecting ':'": "`:` is missing here",
    "Expecting ','": "`,` or a closing bracket is missing here",
    "Extra data": "the document has ended before this",
    "Unterminated string": "the text that begins here has no closing quote",
    "Invalid control character": "a control character must be written as an escape, as `\\n`",
    "Invalid \\": '`\\` must be followed by one of `"\\/bfnrtu`',
    "Illegal trailing comma": "`,` must be followed by another element",
}

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+')


def load_json(text: str) -> tuple[Any, Place]:
    """The value of a JSON text, and its places. Raise `DocumentError`."""
    try:
        document = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise DocumentError(error.lineno, f"this is not JSON: {_sentence(error.msg)}", error.colno) from None
    except ValueError as error:
        raise DocumentError(None, str(error)) from None
    except RecursionError:
        raise DocumentError(None, "it is nested too deeply") from None
    return document, _Walk(text).places()


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} does not exist in JSON")


def _sentence(message: str) -> str:
    return next((words for start, words in _SENTENCES.items() if message.startswith(start)), message)


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
                    self._open.append(place)
        assert root is not None
        return root

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
