"""An evaluator without processes, for engines in memory."""

import asyncio
from collections.abc import Callable

from app.background.turns import Turns
from app.domain.shares import Group
from app.engine.evaluating.evaluations import Evaluations
from app.engine.evaluating.jobs import perform


class InlineEvaluator:
    """Evaluates in this process, after everything that is ready has run. Counts its jobs."""

    def __init__(self) -> None:
        self.jobs = 0

    async def answer(self, job: Callable[[], bytes], group: Group) -> bytes:
        self.jobs += 1
        await asyncio.sleep(0)
        return perform(job())


def inline_evaluations(turns: Turns | None = None) -> Evaluations:
    return Evaluations(InlineEvaluator(), turns or Turns())
