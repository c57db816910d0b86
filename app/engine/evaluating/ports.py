"""What evaluation needs from outside: a place where an evaluation may take long."""

from collections.abc import Callable
from typing import Protocol

from app.domain.shares import Group

TOO_COSTLY = "too_costly"
UNAVAILABLE = "unavailable"


class EvaluatorError(Exception):
    """There is no answer.

    - reason: `TOO_COSTLY` when the evaluation was stopped at a limit, `UNAVAILABLE` when it could not be made now
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Evaluator(Protocol):
    async def answer(self, job: Callable[[], bytes], group: Group) -> bytes:
        """The answer of `perform(job())`, made where it delays nothing else. Raise `EvaluatorError`.

        `job` is called when the evaluation begins: what waits takes no memory. Tenants take turns, and the workflows
        of a tenant.
        """
