"""The entrance for JSON that callers send along: it is checked, parsed and encoded here, once."""

from typing import Any

import orjson

from app.domain.errors import Invalid, TooLarge
from app.domain.payloads import Payload
from app.engine.values import encode


class Payloads:
    """Creates payloads. Each process has one of these, which alone knows the limit of their size.

    The methods raise `TooLarge` for a value over `max_bytes` (of UTF-8), and `Invalid`, with a path that begins with
    `field`, for a value that is not JSON or cannot be stored.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes

    def from_value(self, value: Any, field: str) -> Payload:
        """The payload keeps `value`, which must not be changed from then on."""
        return Payload(encode(value, field, self._max_bytes) or "null", value)

    def from_text(self, text: str, field: str) -> Payload:
        return self.from_value(self._parsed(text, field), field)

    def object_from_text(self, text: str, field: str) -> Payload:
        """As `from_text`, for what must be a JSON object."""
        value = self._parsed(text, field)
        if not isinstance(value, dict):
            raise Invalid.at(field, "must be a JSON object")
        return self.from_value(value, field)

    def _parsed(self, text: str, field: str) -> Any:
        raw = text.encode("utf-8", "surrogatepass")
        # What is stored is the value, encoded again; this keeps a huge text away from the parser.
        if len(raw) > self._max_bytes:
            raise TooLarge(field, self._max_bytes, len(raw))
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Invalid.at(field, f"is not JSON: {error}") from None
