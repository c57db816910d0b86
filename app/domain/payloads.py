"""JSON values that callers send: inputs of executions, payloads of signals. Each is parsed and encoded once."""

from typing import Any

import orjson

from app.domain.errors import Invalid, TooLarge
from app.domain.json_parsing import parse_with_text
from app.domain.json_values import encode

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


class Payloads:
    """Creates payloads. Each process has one object of this class, so the limit of their size is in one place.

    max_bytes: the largest size of a payload, as bytes of UTF-8.

    All methods raise `TooLarge` for a larger value, and `Invalid` for a value that is not JSON or cannot be stored; its
    path begins with `field`.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    @property
    def max_bytes(self) -> int:
        return self._max_bytes

    def from_value(self, value: Any, field: str) -> Payload:
        """The payload keeps a reference to `value`, so the caller must not change it any more."""
        return Payload(encode(value, field, self._max_bytes) or "null", value)

    def from_text(self, text: str, field: str) -> Payload:
        raw = text.encode("utf-8", "surrogatepass")
        # What counts is the size of the compact text. The size of the whole text is checked to protect the parser.
        self._check_size(raw, field)
        value, compact = parse_with_text(raw, field)
        self._check_size(compact, field)
        return Payload(compact.decode(), value)

    def object_from_text(self, text: str, field: str) -> Payload:
        """As `from_text`, for a text that must be a JSON object."""
        payload = self.from_text(text, field)
        if not isinstance(payload.value, dict):
            raise Invalid.at(field, "must be a JSON object")
        return payload

    def _check_size(self, text: bytes, field: str) -> None:
        if len(text) > self._max_bytes:
            raise TooLarge(field, self._max_bytes, len(text))
