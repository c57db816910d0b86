"""JSON values at the door: what cannot be stored or sent is refused here, with a reason, before it does harm."""

import math
from typing import Any

import orjson

from app.domain.errors import Invalid, TooLarge

_PLAIN_JSON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS


def encode(value: Any, field: str, limit: int) -> str | None:
    """JSON text of a value, None for `null`. Raise `Invalid` for what JSON or PostgreSQL cannot hold, `TooLarge`."""
    if value is None:
        return None
    try:
        text = orjson.dumps(value, option=_PLAIN_JSON)
    except (TypeError, orjson.JSONEncodeError) as error:
        raise Invalid.at(field, f"is not a JSON value: {error}") from None
    if len(text) > limit:
        raise TooLarge(field, limit, len(text))
    if b"null" in text and (path := _find(value, _is_not_finite)) is not None:
        raise Invalid.at(field + path, "is NaN or infinite, which JSON cannot hold")
    if b"\\u0000" in text and (path := _find(value, _has_nul)) is not None:
        raise Invalid.at(field + path, "contains the NUL character, which PostgreSQL cannot hold")
    return text.decode()


def decode(text: str, field: str, limit: int) -> Any:
    """The JSON value in `text`, of at most `limit` bytes in UTF-8. Raise `Invalid` or `TooLarge`."""
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > limit:
        raise TooLarge(field, limit, len(raw))
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Invalid.at(field, f"is not JSON: {error}") from None


def decode_object(text: str, field: str, limit: int) -> dict[str, Any]:
    """As `decode`, for what must be a JSON object."""
    value = decode(text, field, limit)
    if not isinstance(value, dict):
        raise Invalid.at(field, "must be a JSON object")
    return value


def _is_not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _has_nul(value: Any) -> bool:
    return isinstance(value, str) and "\x00" in value


def _find(value: Any, wrong: Any) -> str | None:
    """The path of the first wrong value or key, `.a[2]`; None when there is none."""
    waiting = [(value, "")]
    while waiting:
        item, path = waiting.pop()
        if wrong(item):
            return path
        if isinstance(item, dict):
            if any(wrong(key) for key in item):
                return path
            waiting.extend((child, f"{path}.{key}") for key, child in item.items())
        elif isinstance(item, list | tuple):
            waiting.extend((child, f"{path}[{number}]") for number, child in enumerate(item))
    return None
