"""Delivers commands that were left in the database to the runs of this engine."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from app.background.backoff import Backoff
from app.background.loop import Loop, OnDefect
from app.background.wake_up import WakeUp
from app.engine.ports import COMMANDS, ControlCommand
from app.engine.running.held_runs import HeldRuns
from app.engine.running.lease import Lease
from app.engine.running.ports import Ownership

LONGEST_RETRY_SECONDS = 2.0
REST = 2.0
"""Reading takes a third of the time at most. A family in which many end wakes the engine up all the time."""


class CommandDelivery:
    """Reads commands when it is woken up, and every `poll_seconds`; a step that acts on a command removes it."""

    def __init__(self, ownership: Ownership, held: HeldRuns, lease: Lease, poll_seconds: float) -> None:
        self._ownership = ownership
        self._held = held
        self._lease = lease
        self._wake_up = WakeUp()
        backoff = Backoff(poll_seconds, max(poll_seconds, LONGEST_RETRY_SECONDS), jitter=0)
        pause = partial(self._wake_up.wait, poll_seconds)
        self._loop = Loop("commands", self._deliver_some, pause, backoff=backoff, rest=REST)

    def start(self, on_defect: OnDefect) -> None:
        """Begin. A defect that ends the loop is reported to `on_defect(error)`."""
        self._loop.start(on_defect)

    async def stop(self) -> None:
        """Harmless when repeated."""
        await self._loop.finish()

    def wake(self) -> None:
        """There may be commands."""
        self._wake_up.wake()

    async def _deliver_some(self) -> None:
        engine_id = self._lease.engine_id
        if engine_id is not None and self._held:
            self._deliver(await self.waiting(engine_id))

    async def waiting(self, engine_id: int) -> Sequence[ControlCommand]:
        """The commands for executions of this engine; those of unknown types stay, for an engine that is newer."""
        return [command for command in await self._ownership.commands(engine_id) if command.type in COMMANDS]

    def _deliver(self, commands: Sequence[ControlCommand]) -> None:
        by_execution: dict[UUID, list[ControlCommand]] = {}
        for command in commands:
            by_execution.setdefault(command.execution_id, []).append(command)
        for execution_id, waiting in by_execution.items():
            if (run := self._held.get(execution_id)) is not None:
                run.apply_commands(waiting)
