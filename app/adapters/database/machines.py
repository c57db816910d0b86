"""Machines in PostgreSQL. The snapshot of a revision is authoritative; the row of `machines` is for constraints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from app.adapters.database.audit import append
from app.adapters.database.pool import Pool
from app.adapters.database.statements import load
from app.adapters.unreachable import reaching
from app.audit.entry import UNMASKED, Entries
from app.domain.actions import Act
from app.domain.errors import Conflict, NotFound, RevisionMismatch
from app.domain.json_values import same_json
from app.domain.refs import Ref
from app.machines.documents import MACHINE_FIELDS, draft_document, machine_document, machine_from_document
from app.machines.machine import Machine, MachineDraft
from app.machines.ports import MachineEdit, MachineFilter, MachineRevision
from app.machines.refusals import MachineInUse

_SQL = load("machines")
MAX_REVISION = 2**31 - 1


class PostgresMachineStore:
    """Stores machines.

    pool: the connections.
    now: returns the time to store with a change.
    entries: makes the entries of the audit log.
    """

    def __init__(self, pool: Pool, now: Callable[[], datetime], entries: Entries = UNMASKED) -> None:
        self._pool = pool
        self._now = now
        self._entries = entries

    async def create(self, act: Act, draft: MachineDraft) -> Machine:
        now, tenant_id = self._now(), act.caller.tenant_id
        with reaching(), _taken():
            async with self._pool.transaction(tenant_id) as connection:
                machine_id = await connection.fetchval(_SQL["insert"], tenant_id, draft.key, draft.name, now)
                machine = _machine(draft, machine_id, 1, now, now)
                await self._insert_revision(connection, act, machine)
                await self._audit(connection, act, machine, after=machine)
        return machine

    async def change(self, act: Act, ref: Ref, edit: MachineEdit, expected_revision: int | None) -> Machine:
        with reaching(), _taken():
            async with self._pool.transaction(ref.tenant_id) as connection:
                current = await _lock(connection, ref, expected_revision)
                draft, now = edit(current), self._now()
                if same_json(draft_document(draft), draft_document(current)):
                    return current
                machine = _machine(draft, current.id, current.revision + 1, current.created_at, now)
                await connection.execute(
                    _SQL["update"], ref.tenant_id, machine.id, machine.key, machine.name, machine.revision, now
                )
                await self._insert_revision(connection, act, machine)
                await self._audit(connection, act, machine, current, machine)
        return machine

    async def delete(self, act: Act, ref: Ref, expected_revision: int | None) -> Machine:
        with reaching():
            async with self._pool.transaction(ref.tenant_id) as connection:
                current = await _lock(connection, ref, expected_revision)
                try:
                    await connection.execute(_SQL["delete"], ref.tenant_id, current.id)
                except asyncpg.ForeignKeyViolationError:
                    raise MachineInUse(ref) from None
                await self._audit(connection, act, current, before=current)
        return current

    async def get(self, ref: Ref) -> Machine | None:
        statement, name = (_SQL["get_by_key"], ref.key) if ref.id is None else (_SQL["get_by_id"], ref.id)
        with reaching():
            snapshot = await self._pool.read_value(statement, ref.tenant_id, name)
        return None if snapshot is None else machine_from_document(orjson.loads(snapshot))

    async def revision(self, tenant_id: int, machine_id: int, revision: int) -> Machine | None:
        if not 0 < revision <= MAX_REVISION:
            return None
        with reaching():
            snapshot = await self._pool.read_value(_SQL["revision"], tenant_id, machine_id, revision)
        return None if snapshot is None else machine_from_document(orjson.loads(snapshot))

    async def list(self, tenant_id: int, wanted: MachineFilter, skip: int, limit: int) -> tuple[Sequence[Machine], int]:
        name = None if wanted.name is None else f"%{_escaped(wanted.name)}%"
        with reaching():
            total = await self._pool.read_value(_SQL["count"], tenant_id, name, wanted.key)
            found = await self._pool.read(_SQL["list"], tenant_id, name, wanted.key, skip, limit)
        return [machine_from_document(orjson.loads(row["snapshot"])) for row in found], total

    async def revisions(self, ref: Ref, skip: int, limit: int) -> tuple[Sequence[MachineRevision], int]:
        current = await self.get(ref)
        if current is None:
            raise NotFound("machine", ref)
        with reaching():
            total = await self._pool.read_value(_SQL["count_revisions"], ref.tenant_id, current.id)
            found = await self._pool.read(_SQL["revisions"], ref.tenant_id, current.id, skip, limit)
        return [MachineRevision(**row) for row in found], total

    async def note(self, act: Act, machine_id: int, document: Mapping[str, Any]) -> None:
        entry = self._entries.of(act.caller, act.action, f"machine:{machine_id}", after=document)
        with reaching():
            async with self._pool.transaction(act.caller.tenant_id) as connection:
                await append(connection, entry)

    async def _insert_revision(self, connection: PoolConnectionProxy, act: Act, machine: Machine) -> None:
        snapshot = orjson.dumps(machine_document(machine)).decode()
        caller = act.caller
        values = (caller.tenant_id, machine.id, machine.revision, snapshot, machine.updated_at, caller.recorded)
        await connection.execute(_SQL["insert_revision"], *values)

    async def _audit(
        self,
        connection: PoolConnectionProxy,
        act: Act,
        machine: Machine,
        before: Machine | None = None,
        after: Machine | None = None,
    ) -> None:
        documents = (None if one is None else machine_document(one) for one in (before, after))
        await append(connection, self._entries.of(act.caller, act.action, f"machine:{machine.id}", *documents))


@contextmanager
def _taken() -> Iterator[None]:
    """Raise `Conflict` for a key that another machine has."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise Conflict("key", "this key belongs to another machine") from error


async def _lock(connection: PoolConnectionProxy, ref: Ref, expected_revision: int | None) -> Machine:
    """Lock the machine; the snapshot is read by a second statement, whose view begins after the lock."""
    statement, name = (_SQL["lock_by_key"], ref.key) if ref.id is None else (_SQL["lock_by_id"], ref.id)
    row = await connection.fetchrow(statement, ref.tenant_id, name)
    if row is None:
        raise NotFound("machine", ref)
    if expected_revision not in (None, row["revision"]):
        raise RevisionMismatch(ref, row["revision"], "machine")
    snapshot = await connection.fetchval(_SQL["revision"], ref.tenant_id, row["id"], row["revision"])
    return machine_from_document(orjson.loads(snapshot))


def _machine(draft: MachineDraft, machine_id: int, revision: int, created_at: datetime, now: datetime) -> Machine:
    values = {name: getattr(draft, name) for name in MACHINE_FIELDS}
    return Machine(**values, id=machine_id, revision=revision, created_at=created_at, updated_at=now)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
