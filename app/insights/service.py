"""Everything that the APIs may ask of suggestions."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import orjson

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.definitions import MAX_NAME, Workflow, text_problems
from app.domain.documents import workflow_from_document
from app.domain.errors import Conflict, Invalid, NotFound, Problem, WrongState
from app.domain.refs import Ref
from app.insights.applying import Applied, Applying
from app.insights.computing import Computing
from app.insights.evidence import evidence_report
from app.insights.news import SuggestionNews, Tell, tell_none
from app.insights.patches import PatchFailed, is_same, patch_problems
from app.insights.ports import Decision, Definitions, NewSuggestion, Requests, SuggestionStore, Undecided
from app.insights.refusals import SuggestionStale
from app.insights.suggestions import (
    MAX_BY,
    MAX_NOTES,
    MAX_RATIONALE,
    MAX_TITLE,
    ComputingState,
    Facts,
    Patch,
    Rule,
    Source,
    Status,
    Suggestion,
    SuggestionDraft,
    SuggestionFilter,
)

_FIRST_NUMBER = re.compile(r"\d+")
MOST_LOOKS = 2
"""So many samples are read at the same time for a tenant. Each can have 200,000 events; others are served meanwhile."""

RULE_NAME = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,98}[a-z0-9])?")


class SuggestionService:
    """The suggestions of the caller's tenant.

    An unknown id raises `NotFound`. Decisions raise `WrongState` for a suggestion that is not open (undo: not
    approved), and are audited. What other tenants have is unknown.

    store: where suggestions are.
    computing: looks again at what suggestions were computed from.
    applying: changes workflows.
    definitions: reads workflows.
    requests, announce: ask engines to compute.
    tell: tells who follows suggestions of new ones.
    """

    def __init__(
        self,
        store: SuggestionStore,
        computing: Computing,
        applying: Applying,
        definitions: Definitions,
        requests: Requests,
        announce: Callable[[], Awaitable[None]],
        tell: Tell = tell_none,
    ) -> None:
        self._store = store
        self._computing = computing
        self._applying = applying
        self._definitions = definitions
        self._requests = requests
        self._announce = announce
        self._tell = tell
        self._looks: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    async def list(
        self, caller: Caller, wanted: SuggestionFilter, skip: int, limit: int
    ) -> tuple[Sequence[Suggestion], int]:
        """One page, newest first, and the number of all matches."""
        if problems := text_problems("rule", wanted.rule, MAX_NAME):
            raise Invalid(problems)
        return await self._store.list(caller.tenant_id, wanted, skip, limit)

    async def get(self, caller: Caller, suggestion_id: int) -> Suggestion:
        found = await self._store.get(caller.tenant_id, suggestion_id)
        if found is None:
            raise NotFound("suggestion", suggestion_id)
        return found

    async def evidence(self, caller: Caller, suggestion_id: int) -> Facts:
        """What it was computed from, the observations, and the same formula computed again from them."""
        suggestion = await self.get(caller, suggestion_id)
        if suggestion.evidence is None:
            return evidence_report(suggestion, None)
        async with self._look_of(caller):
            again = await self._computing.from_evidence(caller.tenant_id, suggestion)
            return await asyncio.to_thread(evidence_report, suggestion, again)

    async def create(self, caller: Caller, ref: Ref, draft: SuggestionDraft) -> Suggestion:
        """Store one of an external source. Raise `Invalid`, and `Conflict` if there is an open one at its place."""
        if problems := _problems(draft):
            raise Invalid(problems)
        workflow = await self._workflow(caller, ref)
        task = next((task for task in workflow.tasks if task.name == draft.task), None)
        if draft.task is not None and task is None:
            raise Invalid.at("task", f"no task of this workflow is named {draft.task!r}")
        patch = None if draft.patch is None else tuple(draft.patch)
        if patch is not None:
            await self._check(caller, workflow.id, patch)
        new = NewSuggestion(
            workflow_id=workflow.id,
            task_id=None if task is None else task.id,
            task=draft.task,
            rule=draft.rule,
            source=Source.EXTERNAL,
            title=draft.title,
            rationale=draft.rationale,
            patch=patch,
            prediction=draft.prediction,
            evidence=None,
            created_by=caller.recorded,
        )
        made = await self._store.insert(Act(caller, Action.SUGGESTION_CREATE), new)
        if made is None:
            raise Conflict("rule", f"an open suggestion {draft.rule!r} is there already; decide it first")
        await self._tell(SuggestionNews(caller.tenant_id, made.id, workflow.id, made.rule))
        return made

    async def approve(
        self, caller: Caller, suggestion_id: int, approved_by: str | None = None, notes: str | None = None
    ) -> Suggestion:
        """Apply its patch to the current revision, which makes a new one; advice is only noted as approved.

        approved_by: the person's name; the caller's principal if it is None.
        Raise `SuggestionStale` if it holds no longer or the field has changed; it is then stored as stale.
        """
        by = _said(caller, "approved_by", approved_by, "notes", notes)
        suggestion = _expect(await self.get(caller, suggestion_id), Status.OPEN)
        why = await self._why_stale(caller, suggestion)
        async with self._store.deciding(Act(caller, Action.SUGGESTION_APPROVE), suggestion_id) as undecided:
            _expect_same(suggestion, _expect(undecided.suggestion, Status.OPEN))
            decided = await self._decided(caller, undecided, why, by, notes)
        if decided.status is Status.STALE:
            raise SuggestionStale(suggestion_id, decided.notes or "")
        if suggestion.undoes_id is not None:
            await self._note_undone(caller, suggestion.undoes_id, by, suggestion_id)
        return decided

    async def reject(
        self, caller: Caller, suggestion_id: int, rejected_by: str | None = None, reason: str | None = None
    ) -> Suggestion:
        """It is not made again for 30 days, unless its evidence has doubled."""
        by = _said(caller, "rejected_by", rejected_by, "reason", reason)
        async with self._store.deciding(Act(caller, Action.SUGGESTION_REJECT), suggestion_id) as undecided:
            _expect(undecided.suggestion, Status.OPEN)
            return await undecided.decide(Decision(Status.REJECTED, by, reason))

    async def undo(
        self, caller: Caller, suggestion_id: int, undone_by: str | None = None, notes: str | None = None
    ) -> Suggestion:
        """Apply the inverse patch. Raise `SuggestionStale` unless the field still has the value that was applied."""
        by = _said(caller, "undone_by", undone_by, "notes", notes)
        async with self._store.deciding(Act(caller, Action.SUGGESTION_UNDO), suggestion_id) as undecided:
            suggestion = _expect(undecided.suggestion, Status.APPROVED)
            if suggestion.inverse is None:
                raise WrongState(f"suggestion {suggestion_id} is mere advice: its approval has changed nothing")
            try:
                await self._applied(caller, suggestion.workflow_id, suggestion.inverse)
            except PatchFailed as failed:
                raise SuggestionStale(suggestion_id, str(failed)) from None
            return await undecided.decide(Decision(Status.UNDONE, by, notes))

    async def compute(self, caller: Caller) -> ComputingState:
        """Ask the engines to compute the suggestions of the tenant soon. An engine does it, not this process."""
        state = await self._requests.request(caller.tenant_id)
        await self._announce()
        return state

    async def _why_stale(self, caller: Caller, suggestion: Suggestion) -> str | None:
        """None if the newest histories suggest the same."""
        if suggestion.source is Source.EXTERNAL or suggestion.rule == Rule.UNDO:
            return None
        try:
            workflow = await self._workflow(caller, Ref(tenant_id=caller.tenant_id, id=suggestion.workflow_id))
        except NotFound:
            return "the workflow does not exist any more"
        async with self._look_of(caller):
            found = await self._computing.again(caller.tenant_id, workflow, suggestion)
        if found is None:
            return "the field has changed, or too few executions are left to tell"
        if not found.holds or found.evidence.p_value > 1 - found.evidence.confidence:
            return "the newest histories no longer support it"
        same = _is_same_change(found.patch, suggestion.patch)
        return None if same else "the newest histories support another value"

    def _look_of(self, caller: Caller) -> asyncio.Semaphore:
        return self._looks.setdefault(caller.tenant_id, asyncio.Semaphore(MOST_LOOKS))

    async def _applied(self, caller: Caller, workflow_id: int, patch: Patch | None) -> Applied | None:
        return None if patch is None else await self._applying.apply(caller, workflow_id, patch)

    async def _decided(
        self, caller: Caller, undecided: Undecided, why_stale: str | None, by: str, notes: str | None
    ) -> Suggestion:
        """Approved and applied, or stale, with the reason as its notes."""
        if why_stale is not None:
            return await undecided.decide(Decision(Status.STALE, None, why_stale))
        suggestion = undecided.suggestion
        try:
            applied = await self._applied(caller, suggestion.workflow_id, suggestion.patch)
        except PatchFailed as failed:
            return await undecided.decide(Decision(Status.STALE, None, str(failed)))
        if applied is None:
            return await undecided.decide(Decision(Status.APPROVED, by, notes))
        return await undecided.decide(Decision(Status.APPROVED, by, notes, applied.revision, applied.inverse))

    async def _note_undone(self, caller: Caller, undone_id: int, by: str, undoing_id: int) -> None:
        async with self._store.deciding(Act(caller, Action.SUGGESTION_UNDO), undone_id) as undecided:
            if undecided.suggestion.status is Status.APPROVED:
                await undecided.decide(Decision(Status.UNDONE, by, f"by suggestion {undoing_id}"))

    async def _check(self, caller: Caller, workflow_id: int, patch: Patch) -> None:
        if problems := patch_problems(patch):
            raise Invalid(problems)
        try:
            await self._applying.check(caller, workflow_id, patch)
        except PatchFailed as failed:
            raise Invalid.at("patch", f"does not fit the current revision: {failed}") from None

    async def _workflow(self, caller: Caller, ref: Ref) -> Workflow:
        stored = await self._definitions.document(caller, ref)
        return workflow_from_document(orjson.loads(stored.body))


def _expect(suggestion: Suggestion, status: Status) -> Suggestion:
    if suggestion.status is not status:
        raise WrongState(f"suggestion {suggestion.id} is {suggestion.status.value}, not {status.value}")
    return suggestion


def _expect_same(looked_at: Suggestion, held: Suggestion) -> None:
    if not is_same(looked_at.patch, held.patch):
        raise WrongState(f"suggestion {held.id} was computed anew at this moment; read it again")


def _said(caller: Caller, by_field: str, by: str | None, text_field: str, text: str | None) -> str:
    """Who decides. Raise `Invalid`."""
    problems = text_problems(by_field, by, MAX_BY, required=True) + text_problems(text_field, text, MAX_NOTES)
    if problems:
        raise Invalid(problems)
    return by or caller.principal


def _problems(draft: SuggestionDraft) -> list[Problem]:
    found = text_problems("title", draft.title, MAX_TITLE, required=True)
    found += text_problems("rationale", draft.rationale, MAX_RATIONALE)
    found += text_problems("task", draft.task, MAX_NAME)
    if not RULE_NAME.fullmatch(draft.rule):
        found.append(Problem("rule", "must be 1 to 100 of a-z 0-9 _ . - and start and end with a letter or digit"))
    return found


def _is_same_change(one: Patch | None, other: Patch | None) -> bool:
    """Whether two patches change the same, wherever their tasks are in the list."""
    return is_same(_changes(one), _changes(other))


def _changes(patch: Patch | None) -> list[dict[str, Any]]:
    found = [{**one, "path": _FIRST_NUMBER.sub("N", one["path"], count=1)} for one in patch or ()]
    return [one for one in found if one["op"] != "test" or one["path"].endswith("/id")]
