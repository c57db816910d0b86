"""Task types whose attempts do what chance says, under the eyes of a witness."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import orjson

from app.domain.calls import CALLING_TYPE
from app.domain.definitions import Config
from app.domain.entity_moves import EntityMoves
from app.domain.events import Event, EventType
from app.domain.handlers import ENTITY_STATE, Attempt, Handler, TaskError, Wait
from app.engine.ports import Step
from app.engine.running.ports import Claim
from app.tasks.child_workflow import WorkflowHandler
from app.tasks.entity_state import EntityStateHandler
from app.tasks.transition import TransitionHandler
from tests.support.memory.database import MemoryDatabase

Key = tuple[UUID, int]

_COMPLETIONS = (EventType.TASK_COMPLETED, EventType.TASK_REUSED)
_PASSED = (*_COMPLETIONS, EventType.TASK_SKIPPED, EventType.TASK_FAILED)


@dataclass
class Witness:
    """Compares what one process does with what is stored, and with what the process has been told.

    `engine_id()` is the lease that the process believes in; `at_work` are its attempts that nobody has told to stop.
    """

    name: str
    database: MemoryDatabase
    problems: list[str]
    engine_id: Callable[[], int | None] = lambda: None
    completed: set[Key] = field(default_factory=set)
    at_work: dict[Key, asyncio.Task[Any]] = field(default_factory=dict)

    def told(self, name: str, arguments: Sequence[Any], value: Any) -> None:
        """Remember the completions that this process knows of."""
        if name == "claim":
            for claim in value:
                self._learn(claim)
        elif name == "record":
            for step in arguments[1]:
                if step.execution_id in value:
                    self._learn(step)

    def _learn(self, of: Claim | Step) -> None:
        execution_id = of.execution.id if isinstance(of, Claim) else of.execution_id
        self.completed.update((execution_id, event.task_id or 0) for event in of.events if event.type in _COMPLETIONS)

    def begins(self, attempt: Attempt) -> None:
        what = f"{self.name} runs {attempt.attempt_key}"
        own = [e for e in self.database.histories.get(attempt.execution_id, ()) if e.task_id == attempt.task_id]
        if not any(e.type is EventType.TASK_STARTED and e.attempt == attempt.number for e in own):
            self.problems.append(f"{what} before its start is stored")
        elif self._owns(attempt.execution_id) and not _is_open(own[-1], attempt):
            self.problems.append(f"{what} although its end is stored")
        if (attempt.execution_id, attempt.task_id) in self.completed:
            self.problems.append(f"{what} although it knows that the task has completed")
        self._check_upstream(what, attempt)

    @property
    def is_at_work(self) -> bool:
        return any(not task.cancelling() for task in self.at_work.values())

    def _owns(self, execution_id: UUID) -> bool:
        owner_id = self.database.executions[execution_id].owner_id
        return owner_id is not None and owner_id == self.engine_id()

    def _check_upstream(self, what: str, attempt: Attempt) -> None:
        history = self.database.histories[attempt.execution_id]
        stored = [e.data if e.type in _COMPLETIONS else None for e in history if e.type in _PASSED]
        for name, output in attempt.upstream.items():
            if (None if output is None else orjson.dumps(output).decode()) not in stored:
                self.problems.append(f"{what} with an output of {name} that is not stored")


def _is_open(last: Event, attempt: Attempt) -> bool:
    return last.attempt == attempt.number and last.type in (EventType.TASK_STARTED, EventType.TASK_PROGRESSED)


class SimulatedTasks:
    """The port `Handlers` of one process."""

    def __init__(self, witness: Witness, chance: Random, moves: EntityMoves) -> None:
        self._types: dict[str, Handler] = {
            "instant": _Instant(witness, chance),
            "slow": _Slow(witness, chance),
            "waiting": _Waiting(),
            "transition": _Moving(witness, moves),
            CALLING_TYPE: WorkflowHandler(),
            ENTITY_STATE: EntityStateHandler(),
        }

    def handler(self, type: str | None) -> Handler | None:
        return self._types[type or "instant"]


class _Instant:
    def __init__(self, witness: Witness, chance: Random) -> None:
        self._witness = witness
        self._chance = chance

    def run_now(self, attempt: Attempt) -> Any:
        self._witness.begins(attempt)
        return _ending(attempt, self._chance)


class _Slow:
    """Waits, reports, ends somehow; when it is told to stop it stops at once, cleans up first, or answers after all."""

    def __init__(self, witness: Witness, chance: Random) -> None:
        self._witness = witness
        self._chance = chance

    async def run(self, attempt: Attempt) -> Any:
        key = (attempt.execution_id, attempt.task_id)
        self._witness.begins(attempt)
        task = asyncio.current_task()
        self._witness.at_work[key] = task
        try:
            return await self._work(attempt)
        except asyncio.CancelledError:
            return await self._stop(attempt)
        finally:
            if self._witness.at_work.get(key) is task:
                del self._witness.at_work[key]

    async def _work(self, attempt: Attempt) -> Any:
        for part in range(self._chance.randint(1, 3)):
            await asyncio.sleep(self._chance.random() * attempt.config["seconds"])
            if self._chance.random() < 0.4:
                attempt.report(self._chance.choice([None, 20 * part, 90]), f"part {part}")
        return _ending(attempt, self._chance)

    async def _stop(self, attempt: Attempt) -> Any:
        draw = self._chance.random()
        if draw < 0.3:
            await asyncio.sleep(self._chance.random())
        if draw < 0.15:
            return {"task": str(attempt.task_id)}
        raise asyncio.CancelledError


class _Moving(TransitionHandler):
    """Moves an entity, under the eyes of the witness."""

    def __init__(self, witness: Witness, moves: EntityMoves) -> None:
        super().__init__(moves)
        self._witness = witness

    async def run(self, attempt: Attempt) -> Mapping[str, Any]:
        self._witness.begins(attempt)
        return await super().run(attempt)


class _Waiting:
    def wait(self, config: Config) -> Wait:
        return Wait(seconds=config["seconds"], signal=config["signal"])


def _ending(attempt: Attempt, chance: Random) -> Any:
    draw = chance.random() / max(attempt.config["failing"], 1e-9)
    if draw < 0.7:
        raise TaskError("broken", "it broke", retry_after_seconds=chance.choice([None, None, 0.5]))
    if draw < 0.8:
        raise TaskError("broken", "it broke for good", retryable=False)
    if draw < 0.9:
        raise ValueError("a defect of the task")
    if draw < 1:
        return float("nan")
    return {"task": str(attempt.task_id)} if chance.random() < 0.8 else None
