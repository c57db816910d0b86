"""Requests as bytes: what cannot be read as its message is the caller's mistake and is refused as such."""

from collections.abc import Callable
from typing import Any

import structlog
from google.protobuf.message import DecodeError, Message

from app.domain.errors import Invalid

log = structlog.get_logger(__name__)


class Malformed:
    """Stands for a request that could not be read; `reason` is what the protobuf library says."""

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
    """Raise `Invalid` for a request that could not be read, and log it in one line."""
    if isinstance(request, Malformed):
        log.warning("grpc_request_malformed", message_type=request.message_type, reason=request.reason)
        raise Invalid.at("", f"the request is no valid {request.message_type}: {request.reason}")
