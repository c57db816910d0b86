"""Decodes requests, and checks what many of them have. Bytes that are not a valid message are the caller's mistake: the
status is INVALID_ARGUMENT.
"""

from collections.abc import Callable
from typing import Any

import structlog
from google.protobuf.message import DecodeError, Message

from app.domain.errors import Invalid

log = structlog.get_logger(__name__)

DEFAULT_PAGE = 50
MAX_PAGE = 200


class Malformed:
    """A request that could not be decoded.

    message_type: the full name of the expected message.
    reason: the error of the protobuf library.
    """

    __slots__ = ("message_type", "reason")

    def __init__(self, message_type: str, reason: str) -> None:
        self.message_type = message_type
        self.reason = reason


def reader(message_type: type[Message]) -> Callable[[bytes], Message | Malformed]:
    """A deserializer that returns `Malformed` instead of raising.

    gRPC would turn an exception here into INTERNAL and log a traceback, although nothing is wrong with the server.
    """
    parse, name = message_type.FromString, message_type.DESCRIPTOR.full_name

    def read(data: bytes) -> Message | Malformed:
        try:
            return parse(data)
        except DecodeError as error:
            return Malformed(name, str(error))

    return read


def refuse_malformed(request: Any) -> None:
    """Raise `Invalid` for a request that could not be decoded, and log one line."""
    if isinstance(request, Malformed):
        log.warning("grpc_request_malformed", message_type=request.message_type, reason=request.reason)
        raise Invalid.at("", f"the request is not a valid {request.message_type}: {request.reason}")


def checked_page_size(size: int) -> int:
    """How many items a page has at most. Raise `Invalid`."""
    if not 0 <= size <= MAX_PAGE:
        raise Invalid.at("page_size", f"must be from 1 to {MAX_PAGE}, or 0 for {DEFAULT_PAGE}")
    return size or DEFAULT_PAGE
