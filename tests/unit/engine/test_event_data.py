"""Data that is made here says what its text says when it is read from the store."""

from datetime import datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.events import EventType
from app.domain.handlers import Wait
from app.engine.deciding.event_data import (
    ElementData,
    EventData,
    FailureData,
    MessageData,
    ProgressData,
    SignalData,
    element_data,
    failure_data,
    message_data,
    progress_data,
    read,
    signal_data,
)
from app.engine.deciding.waits import WaitData, wait_data
from tests.support.histories import NOON, event

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
instants = st.timedeltas(timedelta(0), timedelta(days=366)).map(lambda after: NOON + after)
messages = st.text(st.characters(codec=None))
seconds = st.none() | st.floats(0, 1e6)


def text_of(value: object) -> str | None:
    """As outputs and payloads come to the engine."""
    return None if value is None else orjson.dumps(value).decode()


def holds(data: EventData) -> bool:
    return type(data).parse(data.text) == data


@given(messages, messages, st.none() | instants)
def test_failures(code: str, message: str, retry_at: datetime | None) -> None:
    assert holds(failure_data(code, message, retry_at))


@given(messages)
def test_messages(message: str) -> None:
    assert holds(message_data(message))


@given(st.none() | st.integers(0, 100) | st.floats(0, 100), messages)
def test_progress(percent: float | None, message: str) -> None:
    assert holds(progress_data(percent, message))


@given(st.integers(0, 10_000), st.integers(1, 10_000), values)
def test_elements(index: int, count: int, output: object) -> None:
    assert holds(element_data(index, count, text_of(output)))


@given(st.text(st.characters(exclude_categories=["Cs"])), values)
def test_signals(name: str, payload: object) -> None:
    assert holds(signal_data(name, text_of(payload) or "null"))


@given(seconds, seconds, st.none() | st.just("go"), values)
def test_waits(waiting: float | None, timeout: float | None, signal: str | None, output: object) -> None:
    assert holds(wait_data(Wait(waiting, output, signal), timeout, NOON))


STORED = event(1, EventType.CANCEL_REQUESTED, data='{"message":"from the store"}')


def test_what_was_made_here_is_not_parsed() -> None:
    made = MessageData("no JSON at all", "made here")
    assert read(MessageData, STORED, made) is made


@pytest.mark.parametrize("made", [None, progress_data(1, "")])
def test_what_comes_from_the_store_is_parsed(made: EventData | None) -> None:
    assert read(MessageData, STORED, made).message == "from the store"


@pytest.mark.parametrize("kind", [FailureData, ElementData, SignalData, WaitData])
def test_data_that_lacks_what_it_needs_is_an_error(kind: type[EventData]) -> None:
    with pytest.raises(KeyError):
        read(kind, event(1, EventType.TASK_FAILED), None)


@pytest.mark.parametrize("kind", [MessageData, ProgressData])
def test_data_that_says_nothing_may_be_empty(kind: type[EventData]) -> None:
    assert read(kind, event(1, EventType.CANCEL_REQUESTED), None).text == "{}"
