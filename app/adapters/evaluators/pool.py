"""A bounded number of evaluator processes, started when they are needed and replaced when they end."""

from collections.abc import Callable

import structlog

from app.adapters.evaluators.process import EvaluatorProcess, ProcessLimits
from app.background.fair_places import FairPlaces, FullQueue
from app.domain.shares import Group
from app.engine.evaluating.ports import TOO_COSTLY, UNAVAILABLE, EvaluatorError

log = structlog.get_logger(__name__)

MAX_JOB_BYTES = 16_777_216
"""The largest job. Encoding takes 1 ms per megabyte of the event loop's time."""


class EvaluatorPool:
    """An `Evaluator`. `close` it: its processes do not end by themselves before the service does."""

    def __init__(self, processes: int, most_waiting: int, limits: ProcessLimits) -> None:
        self._places = FairPlaces(processes, most_waiting)
        self._limits = limits
        self._ready: list[EvaluatorProcess] = []

    @property
    def ready(self) -> list[int]:
        """The ids of the processes that wait for work."""
        return [process.pid for process in self._ready]

    async def answer(self, job: Callable[[], bytes], group: Group) -> bytes:
        """As `Evaluator.answer`."""
        try:
            async with self._places.place(group):
                made = job()
                if len(made) > MAX_JOB_BYTES:
                    size = f"{len(made)} bytes of data; the limit is {MAX_JOB_BYTES}"
                    raise EvaluatorError(TOO_COSTLY, f"the evaluation needs {size}")
                return await self._answer(made)
        except FullQueue as error:
            reason = f"{error.waiting} evaluations wait already, {error.own} of them of this workflow"
            raise EvaluatorError(UNAVAILABLE, reason) from None

    async def close(self) -> None:
        while self._ready:
            await self._ready.pop().end()

    async def _answer(self, job: bytes) -> bytes:
        try:
            return await self._try(job)
        except EvaluatorError as error:
            if error.reason == TOO_COSTLY:
                raise
            # The system may have ended the process, or an operator. If it was the job, it will end this one, too.
            log.warning("evaluator_replaced", reason=str(error))
            return await self._try(job)

    async def _try(self, job: bytes) -> bytes:
        process = self._ready.pop() if self._ready else await EvaluatorProcess.start(self._limits)
        try:
            answer = await process.answer(job)
        except BaseException:
            await process.end()
            raise
        self._ready.append(process)
        return answer
