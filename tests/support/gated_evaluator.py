"""An evaluator whose jobs wait until a test lets them go."""

import asyncio
from collections.abc import Callable

from app.domain.shares import Group
from app.engine.evaluating.jobs import perform
from app.engine.evaluating.ports import EvaluatorError


class GatedEvaluator:
    """Keeps each job until the test lets it go. `failures` are raised first, one for each job."""

    def __init__(self, *failures: EvaluatorError) -> None:
        self.failures = list(failures)
        self.gate = asyncio.Event()
        self.begun = 0
        self.cancelled = 0

    async def answer(self, job: Callable[[], bytes], group: Group) -> bytes:
        self.begun += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failures:
            raise self.failures.pop(0)
        return perform(job())

    async def until_begun(self, count: int) -> None:
        while self.begun < count:
            await asyncio.sleep(0)
