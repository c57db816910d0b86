"""Waits as the history holds them: in the data of the event that started them, so that any engine can continue them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import orjson

from app.domain.documents import rfc3339
from app.domain.executions import Failure
from app.domain.handlers import Wait


@dataclass(slots=True)
class WaitState:
    """What a started task waits for.

    - until: when it ends by itself; None when it does not
    - signal: the name of the signal that ends it; None when none does
    - output: JSON text of what it completes with at `until`; None stands for `null`
    - failure: what it fails with at `until` instead
    - children: True when it waits for the executions that are started for it
    """

    until: datetime | None
    signal: str | None
    output: str | None
    failure: Failure | None
    children: bool = False


FOR_CHILDREN = Wait(children=True)
"""What a task waits for that runs a workflow."""


@dataclass(slots=True)
class WaitData:
    """The data of the event that starts a wait."""

    text: str
    wait: WaitState

    @classmethod
    def parse(cls, text: str) -> Self:
        data = orjson.loads(text)
        until, failure, output = data["until"], data.get("failure"), data.get("output")
        wait = WaitState(
            until=None if until is None else datetime.fromisoformat(until),
            signal=data["signal"],
            output=None if output is None else orjson.dumps(output).decode(),
            failure=None if failure is None else Failure(failure["code"], failure["message"]),
            children=data.get("children", False),
        )
        return cls(text, wait)


def wait_data(wait: Wait, timeout_seconds: float | None, now: datetime) -> WaitData:
    """A task's own timeout ends the wait when it comes first."""
    if timeout_seconds is not None and (wait.seconds is None or timeout_seconds < wait.seconds):
        failure = Failure("timeout", f"the attempt did not end within {timeout_seconds:g} s")
        until = now + timedelta(seconds=timeout_seconds)
        return _data(WaitState(until, wait.signal, None, failure, wait.children))
    if wait.seconds is None:
        return _data(WaitState(None, wait.signal, None, None, wait.children))
    output = None if wait.output is None else orjson.dumps(wait.output).decode()
    return _data(WaitState(now + timedelta(seconds=wait.seconds), wait.signal, output, None))


def _data(wait: WaitState) -> WaitData:
    data: dict[str, Any] = {"until": rfc3339(wait.until), "signal": wait.signal}
    if wait.children:
        data["children"] = True
    if wait.failure is not None:
        data["failure"] = {"code": wait.failure.code, "message": wait.failure.message}
    elif wait.until is not None:
        data["output"] = orjson.Fragment(wait.output or "null")
    return WaitData(orjson.dumps(data).decode(), wait)
