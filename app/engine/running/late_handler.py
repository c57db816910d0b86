"""Runs an attempt whose config takes long to evaluate: the attempt waits for it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.domain.handlers import Attempt, Handler, TaskError
from app.engine.evaluating.begins import Begun


@dataclass(frozen=True, slots=True)
class LateHandler:
    """A handler for one attempt, so that the wait can be cancelled and counts towards the attempt's timeout.

    - begin: what the attempt gets
    - handler: what runs it then; None for an unknown type
    - failure: the failure for an error of `begin`
    - carry_out: runs the handler
    """

    begin: Callable[[], Awaitable[Begun]]
    handler: Callable[[Begun], Handler | None]
    failure: Callable[[Exception], TaskError]
    carry_out: Callable[[Handler, Attempt], Awaitable[Any]]

    async def run(self, attempt: Attempt) -> Any:
        try:
            begun = await self.begin()
        except Exception as error:  # noqa: BLE001 - whatever goes wrong before the attempt is the attempt's failure
            raise self.failure(error) from None
        attempt.config = begun.config
        handler = self.handler(begun)
        if handler is None:
            raise TaskError("unknown_task_type", "this engine does not know the task type", retryable=False)
        return await self.carry_out(handler, attempt)
