"""The messages that the server sends: `{type, channel, data}`, as JSON in UTF-8."""

from dataclasses import dataclass

import orjson

from app.domain.errors import Invalid, ServiceError

EXECUTION_UPDATE, TASK_UPDATE, WORKFLOW_UPDATE = "execution_update", "task_update", "workflow_update"
ENTITY_UPDATE, SUGGESTION_CREATED = "entity_update", "suggestion_created"
SUBSCRIBED, UNSUBSCRIBED, ERROR, PONG, RESYNC = "subscribed", "unsubscribed", "error", "pong", "resync"

MOST_PROBLEMS = 10


class Refusal(Exception):
    """A message of a client that cannot be carried out. The socket lives on.

    code: for programs; it never changes.
    message: a sentence for people.
    channel: the channel that the message names; None if it names none.
    """

    def __init__(self, code: str, message: str, channel: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.channel = channel


@dataclass(frozen=True, slots=True)
class Frame:
    """What a channel sends: the same object for all sockets that get it.

    channel: the name of the channel.
    number: the position of the event, or its sequence in a channel of one history.
    text: the message.
    """

    channel: str
    number: int
    text: bytes


def message(type: str, channel: str | None, data: object) -> bytes:
    return orjson.dumps({"type": type, "channel": channel, "data": data})


def message_of(type: str, channel: str, document: bytes) -> bytes:
    """As `message`, with data that is JSON already."""
    return b'{"type":"%b","channel":%b,"data":%b}' % (type.encode(), orjson.dumps(channel), document)


def refused(refusal: Refusal) -> bytes:
    return message(ERROR, refusal.channel, {"code": refusal.code, "message": refusal.message})


def refusal_of(error: ServiceError, channel: str | None = None) -> Refusal:
    """An error of the service. It has at most `MOST_PROBLEMS` sentences."""
    if isinstance(error, Invalid):
        error = Invalid(error.problems[:MOST_PROBLEMS])
    return Refusal(error.code, error.message, channel)
