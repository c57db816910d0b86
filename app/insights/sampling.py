"""Reads samples in small pieces, so that tasks and callers hardly notice."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.domain.definitions import Workflow
from app.engine.identifiers import first_id_at
from app.insights.folding import StoredEvent, StoredExecution, fold
from app.insights.ports import Histories
from app.insights.samples import Execution, Sample
from app.insights.suggestions import Evidence

MOST_EXECUTIONS = 1_000
MOST_ROWS = 1_200
"""Those that have not ended are among them."""
MOST_DAYS = 30
MOST_REVISIONS = 50
FIRST_AT_ONCE, MOST_AT_ONCE = 5, 50
EVENTS_AIMED_AT = 500
"""So many events are read by one statement and taken in one turn of the event loop, as far as they can be foreseen."""
EVENTS_AT_ONCE = 5_000
MOST_EVENTS = 200_000
LAST = UUID(int=2**128 - 1)


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read of a workflow.

    sample: its executions.
    revisions: those that they run at, by number, with the one that the sample is for.
    """

    sample: Sample
    revisions: Mapping[int, Workflow]


class Sampler:
    """Reads the newest executions of a workflow.

    histories: where they are.
    is_polite: pause after each statement for as long as it took, so that the database is used at most half of the time.
    """

    def __init__(self, histories: Histories, *, is_polite: bool = False) -> None:
        self._histories = histories
        self._is_polite = is_polite

    async def newest(self, tenant_id: int, workflow: Workflow, now: datetime) -> Taken:
        """At most 1,000 ended executions of the last 30 days."""
        first = first_id_at(now - timedelta(days=MOST_DAYS))
        rows = await self._histories.executions(tenant_id, workflow.id, first, LAST, MOST_ROWS)
        return await self._taken(tenant_id, workflow, rows, now)

    async def of(self, tenant_id: int, workflow: Workflow, evidence: Evidence) -> Taken:
        """What a suggestion was computed from. `workflow` is the revision at which it was."""
        rows = await self._histories.executions(tenant_id, workflow.id, evidence.first_id, evidence.last_id, MOST_ROWS)
        return await self._taken(tenant_id, workflow, rows, evidence.until)

    async def _taken(self, tenant_id: int, workflow: Workflow, rows: Sequence[StoredExecution], now: datetime) -> Taken:
        """`rows` are newest first."""
        rows, numbers = _of_few_revisions(rows, workflow.revision)
        found = await self._histories.revisions(tenant_id, workflow.id, numbers) if rows else ()
        revisions = {one.revision: one for one in found} | {workflow.revision: workflow}
        executions = await self._executions(tenant_id, _bounded(rows), now.timestamp())
        ended = [one for one in executions if _has_ended(one, now.timestamp())]
        going = [one for one in executions if one.finished_at is None]
        return Taken(Sample(workflow, ended[-MOST_EXECUTIONS:], going, now.timestamp()), revisions)

    async def _executions(self, tenant_id: int, rows: Sequence[StoredExecution], now: float) -> list[Execution]:
        """The executions in the order of their ids; the newest ones, if all have too many events."""
        waiting, found, total, at_once = list(rows), list[Execution](), 0, FIRST_AT_ONCE
        while waiting and total < MOST_EVENTS:
            wanted = waiting[:at_once]
            began = time.monotonic()
            events = await self._histories.events(tenant_id, [row.id for row in wanted], EVENTS_AT_ONCE)
            took = time.monotonic() - began
            whole = _whole(wanted, events)
            found += (await asyncio.to_thread(fold, whole, events, now))[::-1]
            total += len(events)
            at_once = min(max(EVENTS_AIMED_AT * len(wanted) // max(len(events), 1), 1), MOST_AT_ONCE)
            # One that has more events than are read at once is left out.
            waiting = waiting[max(len(whole), 1) :]
            await asyncio.sleep(took if self._is_polite else 0)
        return found[::-1]


def _has_ended(execution: Execution, now: float) -> bool:
    """Whether it had ended then: the same sample, read again later, must have the same executions."""
    return execution.finished_at is not None and execution.finished_at <= now


def _bounded(rows: Sequence[StoredExecution]) -> Sequence[StoredExecution]:
    """The newest ones: as many ended ones as a sample has, and the open ones among them."""
    ended = 0
    for index, row in enumerate(rows):
        ended += row.finished_at is not None
        if ended > MOST_EXECUTIONS:
            return rows[:index]
    return rows


def _of_few_revisions(rows: Sequence[StoredExecution], current: int) -> tuple[Sequence[StoredExecution], list[int]]:
    """The newest ones whose revisions are not too many, and these revisions."""
    numbers = {current}
    for index, row in enumerate(rows):
        if row.revision not in numbers and len(numbers) == MOST_REVISIONS:
            return rows[:index], sorted(numbers)
        numbers.add(row.revision)
    return rows, sorted(numbers)


def _whole(rows: Sequence[StoredExecution], events: Sequence[StoredEvent]) -> Sequence[StoredExecution]:
    """The executions whose events have all been read."""
    if len(events) < EVENTS_AT_ONCE:
        return rows
    cut = events[-1].execution_id
    return rows[: next(index for index, row in enumerate(rows) if row.id == cut)]
