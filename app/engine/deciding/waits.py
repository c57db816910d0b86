"""Waits as the history holds them: in the data of the event that started them, so that any engine can go on waiting."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from app.domain.documents import rfc3339
from app.domain.executions import Failure
from app.domain.handlers import Wait


@dataclass(frozen=True, slots=True)
class WaitState:
    """What a started task waits for. At `until` it fails with `failure`, or completes with `output` where that is None.

    `output` is JSON text; None stands for `null`.
    """

    until: datetime | None
    signal: str | None
    output: str | None
    failure: Failure | None


def wait_data(wait: Wait, timeout_seconds: float | None, now: datetime) -> str:
    """The data of the event that starts the wait. A task's own timeout ends it when it comes first."""
    data: dict[str, Any] = {"until": None, "signal": wait.signal}
    if timeout_seconds is not None and (wait.seconds is None or timeout_seconds < wait.seconds):
        message = f"the attempt did not end within {timeout_seconds:g} s"
        data |= {"until": _after(now, timeout_seconds), "failure": {"code": "timeout", "message": message}}
    elif wait.seconds is not None:
        data |= {"until": _after(now, wait.seconds), "output": wait.output}
    return orjson.dumps(data).decode()


def wait_from(data: str) -> WaitState:
    value = orjson.loads(data)
    until, failure, output = value["until"], value.get("failure"), value.get("output")
    return WaitState(
        until=None if until is None else datetime.fromisoformat(until),
        signal=value["signal"],
        output=None if output is None else orjson.dumps(output).decode(),
        failure=None if failure is None else Failure(failure["code"], failure["message"]),
    )


def _after(now: datetime, seconds: float) -> str | None:
    return rfc3339(now + timedelta(seconds=seconds))
