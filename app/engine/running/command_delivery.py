"""Delivers commands that were left in the database to the runs of this engine."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from app.engine.ports import COMMANDS, ControlCommand, Ownership, StoreUnreachable
from app.engine.running.held_runs import HeldRuns
from app.engine.running.lease import Lease
from app.engine.waking import Bell

log = structlog.get_logger(__name__)


class CommandDelivery:
    """Reads commands when it is woken up, and every `poll_seconds`; a step that acts on a command removes it."""

    def __init__(self, ownership: Ownership, held: HeldRuns, lease: Lease, poll_seconds: float) -> None:
        self._ownership = ownership
        self._held = held
        self._lease = lease
        self._poll_seconds = poll_seconds
        self._bell = Bell()

    def wake(self) -> None:
        """There may be commands."""
        self._bell.ring()

    async def deliver_continually(self) -> None:
        while True:
            await self._bell.wait(self._poll_seconds)
            engine_id = self._lease.engine_id
            if engine_id is None or not self._held:
                continue
            try:
                self._deliver(await self.waiting(engine_id))
            except StoreUnreachable as error:
                log.warning("commands_not_read", reason=str(error))

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
