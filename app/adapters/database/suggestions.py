"""Suggestions in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
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
from app.domain.errors import NotFound, WrongState
from app.domain.refs import MAX_ID
from app.insights.documents import evidence_document, evidence_from_document, suggestion_document
from app.insights.news import SuggestionNews
from app.insights.ports import Choice, Decision, NewSuggestion
from app.insights.suggestions import Facts, Source, Status, Suggestion, SuggestionFilter

_SQL = load("suggestions")
_OF_ID, _PAGE, _KNOWN = (f"{_SQL['columns']}\n{_SQL[name]}" for name in ("of_id", "page", "known"))

HELD_SECONDS = 60.0
"""For so long a suggestion is held at most, if the process that decides it dies."""


class PostgresSuggestionStore:
    """Stores suggestions.

    pool: the connections.
    entries: makes the entries of the audit log.
    """

    def __init__(self, pool: Pool, entries: Entries = UNMASKED) -> None:
        self._pool = pool
        self._entries = entries

    async def list(
        self, tenant_id: int, wanted: SuggestionFilter, skip: int, limit: int
    ) -> tuple[Sequence[Suggestion], int]:
        wishes = (tenant_id, wanted.workflow_id, wanted.status, wanted.rule, wanted.source)
        with reaching():
            total = await self._pool.read_value(_SQL["count"], *wishes)
            rows = await self._pool.read(_PAGE, *wishes, skip, limit)
        return [_suggestion(row) for row in rows], total

    async def get(self, tenant_id: int, suggestion_id: int) -> Suggestion | None:
        if not 0 < suggestion_id <= MAX_ID:
            return None
        with reaching():
            row = await self._pool.read_row(_OF_ID, tenant_id, suggestion_id)
        return None if row is None else _suggestion(row)

    async def known(self, tenant_id: int, workflow_id: int, since: datetime) -> Sequence[Suggestion]:
        with reaching():
            return [_suggestion(row) for row in await self._pool.read(_KNOWN, tenant_id, workflow_id, since)]

    async def insert(self, act: Act, new: NewSuggestion) -> Suggestion | None:
        tenant_id = act.caller.tenant_id
        with reaching():
            async with self._pool.transaction(tenant_id) as connection:
                made = await connection.fetchval(_SQL["insert"], tenant_id, *_values(new))
                if made is None:
                    return None
                stored = await _read(connection, tenant_id, made)
                await self._audit(connection, act, None, stored)
        return stored

    @asynccontextmanager
    async def deciding(self, act: Act, suggestion_id: int) -> AsyncIterator["_Undecided"]:
        undecided = _Undecided(self, act, await self._held(act.caller.tenant_id, suggestion_id))
        try:
            yield undecided
        finally:
            if not undecided.is_decided:
                with reaching():
                    async with self._pool.transaction(act.caller.tenant_id) as connection:
                        await connection.execute(_SQL["release"], act.caller.tenant_id, suggestion_id)

    async def _held(self, tenant_id: int, suggestion_id: int) -> Suggestion:
        if not 0 < suggestion_id <= MAX_ID:
            raise NotFound("suggestion", suggestion_id)
        with reaching():
            async with self._pool.transaction(tenant_id) as connection:
                granted = await connection.fetchval(_SQL["hold"], tenant_id, suggestion_id, HELD_SECONDS)
                suggestion = await _read(connection, tenant_id, suggestion_id)
        if not granted:
            raise WrongState(f"suggestion {suggestion_id} is being decided at this moment; read it again")
        return suggestion

    async def decide(self, act: Act, before: Suggestion, decision: Decision) -> Suggestion:
        """Raise `NotFound` if the workflow was deleted meanwhile."""
        values = (decision.status, decision.by, decision.notes, decision.applied_revision, _json(decision.inverse))
        with reaching():
            async with self._pool.transaction(before.tenant_id) as connection:
                await connection.execute(_SQL["decide"], before.tenant_id, before.id, *values)
                after = await _read(connection, before.tenant_id, before.id)
                if after.status is not Status.STALE:
                    await self._audit(connection, act, before, after)
        return after

    async def choose(self, tenant_id: int, choice: Choice) -> Sequence[SuggestionNews]:
        with reaching():
            async with self._pool.transaction(tenant_id) as connection:
                if choice.stale:
                    reason = "the newest histories no longer support it, or the task has changed"
                    await connection.execute(_SQL["settle"], tenant_id, list(choice.stale), reason)
                for suggestion_id, new in sorted(choice.refreshed.items()):
                    await connection.execute(_SQL["refresh"], tenant_id, suggestion_id, *_refreshed(new))
                made = [await connection.fetchval(_SQL["insert"], tenant_id, *_values(new)) for new in choice.new]
        return [
            SuggestionNews(tenant_id, one, new.workflow_id, new.rule)
            for one, new in zip(made, choice.new, strict=True)
            if one is not None
        ]

    async def note_effect(self, tenant_id: int, suggestion_id: int, effect: Facts) -> None:
        with reaching():
            async with self._pool.transaction(tenant_id) as connection:
                await connection.execute(_SQL["note_effect"], tenant_id, suggestion_id, _json(effect))

    async def remove_stale(self, tenant_id: int) -> None:
        with reaching():
            async with self._pool.transaction(tenant_id) as connection:
                await connection.execute(_SQL["remove_stale"], tenant_id)

    async def _audit(
        self, connection: PoolConnectionProxy, act: Act, before: Suggestion | None, after: Suggestion
    ) -> None:
        old = None if before is None else suggestion_document(before)
        entry = self._entries.of(act.caller, act.action, f"suggestion:{after.id}", old, suggestion_document(after))
        await append(connection, entry)


class _Undecided:
    """A suggestion that is held until it is decided.

    is_decided: whether it is.
    """

    def __init__(self, store: PostgresSuggestionStore, act: Act, suggestion: Suggestion) -> None:
        self._store = store
        self._act = act
        self.suggestion = suggestion
        self.is_decided = False

    async def decide(self, decision: Decision) -> Suggestion:
        decided = await self._store.decide(self._act, self.suggestion, decision)
        self.is_decided = True
        return decided


async def _read(connection: PoolConnectionProxy, tenant_id: int, suggestion_id: int) -> Suggestion:
    row = await connection.fetchrow(_OF_ID, tenant_id, suggestion_id)
    if row is None:
        raise NotFound("suggestion", suggestion_id)
    return _suggestion(row)


def _values(new: NewSuggestion) -> tuple[Any, ...]:
    """The parameters of `insert` after the tenant."""
    return (
        new.workflow_id,
        new.task_id,
        new.task,
        new.rule,
        new.source,
        new.title,
        new.rationale,
        _json(new.patch),
        None,
        _json(new.prediction),
        None if new.evidence is None else _json(evidence_document(new.evidence)),
        new.seconds_a_day,
        new.undoes_id,
        new.created_by,
    )


def _refreshed(new: NewSuggestion) -> tuple[Any, ...]:
    """The parameters of `refresh` after the id."""
    evidence = None if new.evidence is None else _json(evidence_document(new.evidence))
    return new.task, new.title, new.rationale, _json(new.patch), _json(new.prediction), evidence, new.seconds_a_day


def _suggestion(row: asyncpg.Record) -> Suggestion:
    values = dict(row)
    for name in ("patch", "inverse", "prediction", "effect"):
        values[name] = None if values[name] is None else orjson.loads(values[name])
    for name in ("patch", "inverse"):
        values[name] = None if values[name] is None else tuple(values[name])
    evidence = values["evidence"]
    values["evidence"] = None if evidence is None else evidence_from_document(orjson.loads(evidence))
    values |= {"source": Source(values["source"]), "status": Status(values["status"])}
    return Suggestion(**values)


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
