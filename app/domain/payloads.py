"""JSON values that callers send along: the input of an execution, the payload of a signal."""

from typing import Any

import orjson

_NOT_PARSED: Any = object()


class Payload:
    """A JSON value as its text and, once it is needed, parsed. It is parsed at most once.

    text: compact JSON, as it is stored and sent. Payloads with the same text are equal.
    """

    __slots__ = ("_value", "text")

    def __init__(self, text: str, value: Any = _NOT_PARSED) -> None:
        """`value` is what `text` means, if the caller has it already; it must not be changed from then on."""
        self.text = text
        self._value = value

    @property
    def value(self) -> Any:
        if self._value is _NOT_PARSED:
            self._value = orjson.loads(self.text)
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Payload) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Payload({self.text!r})"
