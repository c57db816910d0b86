"""Encodes the body of a request as its `Content-Type` says, as JSON without one."""

from collections.abc import Mapping
from email.message import Message
from typing import Any

import orjson

from app.domain.errors import Problem
from app.tasks.http.charsets import text_codec
from app.tasks.http.urls import checked_pair, form_encoded

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class BodyError(Exception):
    """The body does not fit its `Content-Type`.

    problem: its path begins with `config`. If the body has the wrong shape, the path is that of the header: no value
        that an expression fills in can fix the shape, so the definition is refused when it is saved.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(path, message)


def encoded_body(body: Any, headers: Mapping[str, str]) -> bytes:
    """The bytes of a body that is not None. Raise `BodyError`."""
    name, content_type = _content_type(headers)
    media_type, charset = _parsed(content_type)
    path = f"config.headers.{name}"
    if media_type in (JSON, "text/json") or media_type.endswith("+json"):
        if text_codec(charset) != "utf-8":
            raise BodyError(path, "must have the charset utf-8 or none, because JSON is sent in UTF-8")
        return orjson.dumps(body)
    if media_type == FORM and not isinstance(body, str):
        return _form(body, path)
    if not isinstance(body, str):
        raise BodyError(path, f"{media_type} needs a body that is a string; without the header any JSON is sent")
    return _text(body, charset, path)


def _content_type(headers: Mapping[str, str]) -> tuple[str, str]:
    """The name of the header as the config has it, and its value."""
    found = [(name, value) for name, value in headers.items() if name.lower() == "content-type"]
    return found[-1] if found else ("Content-Type", JSON)


def _parsed(content_type: str) -> tuple[str, str]:
    """The media type and the charset, in lower case. The default charset is utf-8."""
    message = Message()
    message["Content-Type"] = content_type
    return content_type.partition(";")[0].strip().lower(), message.get_content_charset("utf-8")


def _form(body: Any, path: str) -> bytes:
    if not isinstance(body, Mapping):
        raise BodyError(path, f"{FORM} needs a body that is an object or a string")
    for name, value in body.items():
        try:
            checked_pair(value)
        except ValueError as error:
            raise BodyError(path, f"{FORM}: body.{name} {error}") from None
    return form_encoded(body)


def _text(body: str, charset: str, path: str) -> bytes:
    codec = text_codec(charset)
    if codec is None:
        raise BodyError(path, f"names the charset {charset!r}, which is not supported")
    try:
        return body.encode(codec)
    except UnicodeEncodeError as error:
        raise BodyError("config.body", f"holds {error.object[error.start]!r}, which {charset} cannot write") from None
