"""Computes the suggestions of a tenant: looks at each of its workflows, and stores what is worth it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.domain.definitions import Workflow
from app.insights.aftermath import Aftermath
from app.insights.choosing import FIRST_DAYS, SILENT_DAYS, by_workflow, choice_of, worthy
from app.insights.findings import Finding
from app.insights.looking import look
from app.insights.news import SuggestionNews
from app.insights.ports import Histories, SuggestionStore
from app.insights.rules.capacity import Fullness
from app.insights.sampling import Sampler, Taken
from app.insights.suggestions import Rule, Status, Suggestion

log = structlog.get_logger(__name__)

PAGE = 50

MayContinue = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Computed:
    """What one run has done.

    workflows: how many it has looked at.
    candidates: what the rules have said something about.
    new: the suggestions that are new.
    """

    workflows: int
    candidates: int
    new: Sequence[SuggestionNews]


async def _always() -> bool:
    return True


class Computing:
    """Computes with bounded batches.

    store: where suggestions are.
    histories: what they are computed from.
    is_polite: as for a `Sampler`.
    """

    def __init__(self, store: SuggestionStore, histories: Histories, *, is_polite: bool = False) -> None:
        self._store = store
        self._histories = histories
        self._sampler = Sampler(histories, is_polite=is_polite)
        self._aftermath = Aftermath(store, histories, self._sampler)

    async def of_tenant(
        self, tenant_id: int, full: Fullness | None = None, may_continue: MayContinue = _always
    ) -> Computed | None:
        """Nothing is stored before all workflows are looked at, because all candidates are compared. None if
        `may_continue` says no meanwhile.
        """
        now = await self._histories.now()
        seen: list[int] = []
        holding: list[Finding] = []
        others: list[float] = []
        new: list[SuggestionNews] = []
        async for workflow in self._workflows(tenant_id, now):
            if not await may_continue():
                return None
            taken = await self._sampler.newest(tenant_id, workflow, now)
            found = await _looked(taken, full)
            if found is None:
                continue
            # Of the candidates that do not hold, which are most of them, their p-values suffice.
            holding += [one for one in found if one.holds]
            others += [one.evidence.p_value for one in found if not one.holds]
            seen.append(workflow.id)
            new += await self._aftermath.look(tenant_id, taken, await self._known(tenant_id, workflow.id, now))
        new += await self._choose(tenant_id, seen, by_workflow(worthy(holding, now, others)), now)
        await self._store.remove_stale(tenant_id)
        return Computed(len(seen), len(holding) + len(others), new)

    async def again(self, tenant_id: int, workflow: Workflow, suggestion: Suggestion) -> Finding | None:
        """What the newest histories say of the same task and rule, at the current revision."""
        now = await self._histories.now()
        taken = await self._sampler.newest(tenant_id, workflow, now)
        found = await asyncio.to_thread(look, taken, fullness_of(suggestion))
        return same_place(found, suggestion)

    async def from_evidence(self, tenant_id: int, suggestion: Suggestion) -> tuple[Taken, Finding | None] | None:
        """The sample of a suggestion, read again, and what it says. None if its revision is gone."""
        evidence = suggestion.evidence
        assert evidence is not None
        found = await self._histories.revisions(tenant_id, suggestion.workflow_id, [evidence.revision])
        if not found:
            return None
        taken = await self._sampler.of(tenant_id, found[0], evidence)
        findings = await asyncio.to_thread(look, taken, fullness_of(suggestion))
        return taken, same_place(findings, suggestion)

    async def _workflows(self, tenant_id: int, now: datetime) -> AsyncIterator[Workflow]:
        """Those that are old enough for a suggestion."""
        after, old = 0, now - timedelta(days=FIRST_DAYS)
        while page := await self._histories.workflows(tenant_id, after, old, PAGE):
            for workflow in page:
                yield workflow
            after = page[-1].id

    async def _known(self, tenant_id: int, workflow_id: int, now: datetime) -> Sequence[Suggestion]:
        return await self._store.known(tenant_id, workflow_id, now - timedelta(days=SILENT_DAYS))

    async def _choose(
        self, tenant_id: int, seen: Sequence[int], found: Mapping[int, Sequence[Finding]], now: datetime
    ) -> Sequence[SuggestionNews]:
        new: list[SuggestionNews] = []
        for workflow_id in seen:
            known = await self._known(tenant_id, workflow_id, now)
            holding = found.get(workflow_id, ())
            if holding or any(one.status is Status.OPEN for one in known):
                new += await self._store.choose(tenant_id, choice_of(holding, known, now))
        return new


def same_place(findings: Sequence[Finding], suggestion: Suggestion) -> Finding | None:
    """The finding about the same task by the same rule."""
    place = suggestion.workflow_id, suggestion.task_id, suggestion.rule
    return next((one for one in findings if one.place == place), None)


def fullness_of(suggestion: Suggestion) -> Fullness | None:
    """For which time the engines were full that a suggestion is about."""
    if suggestion.rule != Rule.CAPACITY or suggestion.evidence is None:
        return None
    facts = suggestion.evidence.facts
    return Fullness(facts["full_from"], facts["full_until"], facts["engines"])


async def _looked(taken: Taken, full: Fullness | None) -> Sequence[Finding] | None:
    """The findings, made beside the event loop. None after a defect: it must not end the engine that runs tasks."""
    try:
        return await asyncio.to_thread(look, taken, full)
    except Exception:
        log.exception("suggestions_failed", workflow_id=taken.sample.workflow.id)
        return None
