"""A python task whose attempts wait for a test in the same process."""

import asyncio
from collections import Counter, defaultdict

from app.domain.handlers import Attempt
from app.tasks import task_function


class Gates:
    """A task's gate is shut until the test opens it; `runs` counts the attempts that came to it."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()
        self._opened: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._reached: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def open(self, *names: str) -> None:
        for name in names:
            self._opened[name].set()

    async def reached(self, name: str, number: int = 1) -> None:
        await self._reached[f"{name}/{number}"].wait()

    async def pass_through(self, attempt: Attempt) -> None:
        self.runs[attempt.task_name] += 1
        self._reached[f"{attempt.task_name}/{attempt.number}"].set()
        await self._opened[attempt.task_name].wait()


gates = Gates()


@task_function("test.gated")
async def gated(attempt: Attempt) -> dict[str, int]:
    await gates.pass_through(attempt)
    return {"attempt": attempt.number}
