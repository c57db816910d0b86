"""The writer's side of histories in memory."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from app.engine.ports import CANCEL, CHILD_ENDED, EntityChange, FamilyChange, Parking, Step
from tests.support.memory.database import NEVER, MemoryDatabase


class EventExists(Exception):
    """An event of a history is written a second time: what a primary key refuses in a database."""


class MemoryRecording:
    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    async def record(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        async with self._database.faults.around("record"):
            if engine_id not in self._database.leases:
                return set()
            owned = {row.execution.id for row in self._database.owned_by([engine_id])}
            self._refuse_doubled_events([step for step in steps if step.opening or step.execution_id in owned])
            owned |= await self._open(engine_id, steps)
            stored = [step for step in steps if step.execution_id in owned]
            for step in stored:
                self._write(step)
            for step in stored:
                self._database.stored(step)
            concerned = [execution_id for step in stored for execution_id in self._concerned(step)]
            if concerned and self._database.wakes():
                self._database.make_due(concerned)
            return {step.execution_id for step in stored}

    async def stored(self, steps: Sequence[Step]) -> set[UUID]:
        async with self._database.faults.around("stored"):
            return {step.execution_id for step in steps if self._is_stored(step)}

    async def _open(self, engine_id: int, steps: Sequence[Step]) -> set[UUID]:
        """The new executions whose conditions hold, each judged after the ones before it."""
        return {
            step.execution_id
            for step in steps
            if step.opening is not None and await self._database.insert(step.execution_id, step.opening, engine_id)
        }

    def _refuse_doubled_events(self, steps: Sequence[Step]) -> None:
        stored = {
            (execution_id, event.sequence)
            for execution_id in {step.execution_id for step in steps}
            for event in self._database.histories.get(execution_id, ())
        }
        for step in steps:
            for event in step.events:
                if (key := (step.execution_id, event.sequence)) in stored:
                    raise EventExists(f"event {event.sequence} of {step.execution_id} is written twice")
                stored.add(key)

    def _write(self, step: Step) -> None:
        self._database.grow(step.execution_id, step.events)
        if step.change is not None:
            self._database.executions[step.execution_id].change(step.change)
        for command_id in step.done_commands:
            command = self._database.commands.get(command_id)
            if command is not None and command.execution_id == step.execution_id:
                del self._database.commands[command_id]
        if step.parking is not None and self._is_in_time(step.execution_id, step.parking):
            self._database.executions[step.execution_id].park(self._due_at(step.execution_id, step.parking))
        if step.family is not None:
            self._change_family(step.execution_id, step.family)
        if step.entities is not None:
            self._change_entities(step, step.entities)

    def _change_entities(self, step: Step, change: EntityChange) -> None:
        run = self._database.entity_runs.get(step.execution_id)
        if change.ends and run is not None and step.change is not None:
            run.ended = step.change.status
        for signal in change.waits:
            self._database.entity_waits[step.execution_id, signal] = self._database.waits(step.execution_id, signal)

    def _change_family(self, execution_id: UUID, change: FamilyChange) -> None:
        for child in change.openings:
            self._database.bear(child)
        if change.told is not None:
            self._database.leave_command(CHILD_ENDED, change.told, name=str(execution_id))
        stopped = dict(change.stopped)
        if change.ends:
            left = self._database.children_of(execution_id)
            stopped |= {one: "its parent has ended" for one in left if one not in stopped}
        for child_id, reason in stopped.items():
            self._database.leave_command(CANCEL, child_id, reason)
            self._database.cancel_below(child_id, "its parent was asked to stop")

    def _concerned(self, step: Step) -> Iterator[UUID]:
        if step.parking is not None and step.parking.in_family:
            yield step.execution_id
        if step.family is not None:
            yield from self._database.executions

    def _is_in_time(self, execution_id: UUID, parking: Parking) -> bool:
        history = self._database.histories[execution_id]
        return parking.after is None or history[-1].sequence <= parking.after

    def _due_at(self, execution_id: UUID, parking: Parking) -> datetime:
        seconds, now = parking.seconds, self._database.now()
        if any(command.execution_id == execution_id for command in self._database.commands.values()):
            return min(now, self._database.executions[execution_id].execution.created_at)
        if seconds is None:
            return NEVER
        return min(now + timedelta(seconds=seconds), parking.until or NEVER)

    def _is_stored(self, step: Step) -> bool:
        return any(
            event == step.events[-1] for event in self._database.histories.get(step.execution_id, ()) if step.events
        )
