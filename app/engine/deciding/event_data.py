"""The data of events: what it says, beside the JSON text that is stored and streamed.

An engine makes most of the events that it takes into its states itself. Data that is made here keeps what it was made
of, so that its text is never parsed; only data that comes from the store is, and only where the state needs to know.
`app.domain.events.Event` says which events have which data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar
from uuid import UUID

import orjson

from app.domain.documents import rfc3339
from app.domain.events import Event, EventType
from app.domain.executions import Failure
from app.domain.texts import storable_text

_ELEMENT = re.compile(r"element (\d+): ")

LONGEST_MESSAGE = 10_000
"""In characters; what is longer is cut."""


class EventData(Protocol):
    """- text: the JSON text"""

    text: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """The data that has this text."""


Kind = TypeVar("Kind", bound=EventData)


def read(kind: type[Kind], event: Event, made: EventData | None) -> Kind:
    """The event's data: `made` where this process has just made it, else parsed."""
    return made if isinstance(made, kind) else kind.parse(event.data or "{}")


@dataclass(slots=True)
class FailureData:
    """Why an attempt, a task or an execution failed or was cancelled.

    - retry_at: when the next attempt starts, where one follows
    """

    text: str
    failure: Failure
    retry_at: datetime | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        data = orjson.loads(text)
        at = data.get("retry_at")
        return cls(text, Failure(data["code"], data["message"]), None if at is None else datetime.fromisoformat(at))


def failure_data(code: str, message: str, retry_at: datetime | None = None) -> FailureData:
    failure = Failure(_storable(code), _storable(message))
    data = {"code": failure.code, "message": failure.message}
    if retry_at is not None:
        data["retry_at"] = rfc3339(retry_at) or ""
    return FailureData(_json(data), failure, retry_at)


def data_of_failure(failure: Failure) -> FailureData:
    return failure_data(failure.code, failure.message)


@dataclass(slots=True)
class MessageData:
    """What a person has said, such as the reason of a cancel."""

    text: str
    message: str

    @classmethod
    def parse(cls, text: str) -> Self:
        return cls(text, orjson.loads(text).get("message", ""))


def message_data(message: str, by: str | None = None) -> MessageData:
    """`by` is the principal that has requested it; None if no caller has, or if it is not known."""
    message = _storable(message)
    return MessageData(_json({"message": message} | _requested(by)), message)


@dataclass(slots=True)
class ProgressData:
    """What a running attempt reports of itself.

    - percent: from 0 to 100; None for a message alone
    - child: the execution that was started for the task; None for other reports
    - element: the element of the task that the child is for; None for a task that does not run for each
    """

    text: str
    percent: float | None
    child: UUID | None = None
    element: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        data = orjson.loads(text)
        if (child := data.get("child_id")) is None:
            return cls(text, data.get("percent"))
        return cls(text, None, UUID(child), _element_of(data))


def progress_data(percent: float | None, message: str) -> ProgressData:
    return ProgressData(_json({"message": _storable(message), "percent": percent}), percent)


def child_data(execution_id: UUID, element: int | None) -> ProgressData:
    """That an execution was started for the task, or for one of its elements."""
    of_element = "" if element is None else f"element {element}: "
    message = f"{of_element}runs as execution {execution_id}"
    data: dict[str, Any] = {"message": message, "percent": None, "child_id": str(execution_id)}
    if element is not None:
        data["element"] = element
    return ProgressData(_json(data), None, execution_id, element)


def _element_of(data: Mapping[str, Any]) -> int | None:
    """Histories that were written before the field existed say it in the message only."""
    if (element := data.get("element")) is not None:
        return int(element)
    found = _ELEMENT.match(data.get("message", ""))
    return None if found is None else int(found[1])


def child_of(event: Event) -> UUID | None:
    """The child execution that a TASK_PROGRESSED names; None for other events."""
    if event.type is not EventType.TASK_PROGRESSED or '"child_id":' not in (event.data or ""):
        return None
    child = orjson.loads(event.data or "{}").get("child_id")
    return None if child is None else UUID(child)


@dataclass(slots=True)
class ElementData:
    """One element of a task that runs for each has completed.

    - index: which one, from 0
    - count: how many there are
    - output: its output as JSON text; None for `null`
    """

    text: str
    index: int
    count: int
    output: str | None

    @classmethod
    def parse(cls, text: str) -> Self:
        data = orjson.loads(text)
        return cls(text, data["index"], data["count"], _text_of(data["output"]))


def element_data(index: int, count: int, output: str | None) -> ElementData:
    """`output` is JSON text."""
    text = _json({"index": index, "count": count, "output": orjson.Fragment(output or "null")})
    return ElementData(text, index, count, output)


@dataclass(slots=True)
class SignalData:
    """A signal has come.

    - payload: JSON text
    """

    text: str
    name: str
    payload: str

    @classmethod
    def parse(cls, text: str) -> Self:
        data = orjson.loads(text)
        return cls(text, data["name"], _text_of(data["payload"]) or "null")


def signal_data(name: str, payload: str, by: str | None = None) -> SignalData:
    """`payload` is JSON text; `by` as in `message_data`."""
    data = {"name": name, "payload": orjson.Fragment(payload)} | _requested(by)
    return SignalData(_json(data), name, payload)


def _requested(by: str | None) -> dict[str, Any]:
    return {} if by is None else {"by": by}


def _json(data: dict[str, Any]) -> str:
    return orjson.dumps(data).decode()


def _text_of(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()


def _storable(text: object) -> str:
    """A message or code from anywhere as the history can hold it; a plugin's may even be no text."""
    return storable_text(str(text), LONGEST_MESSAGE)
