"""What suggestions need from outside: protocols that `adapters/` implement and `wiring/` connects."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from app.definitions.ports import StoredDocument, StoredWorkflow
from app.domain.actions import Act
from app.domain.callers import Caller
from app.domain.definitions import Workflow, WorkflowDraft
from app.domain.refs import Ref
from app.insights.folding import StoredEvent, StoredExecution
from app.insights.news import SuggestionNews
from app.insights.rules.capacity import Fullness
from app.insights.suggestions import (
    ComputingState,
    Evidence,
    Facts,
    Patch,
    Source,
    Status,
    Suggestion,
    SuggestionFilter,
)

REQUESTED = "workflow_suggestions"
"""The channel on which it is announced that suggestions are to be computed."""


@dataclass(frozen=True, slots=True)
class NewSuggestion:
    """What is stored of a suggestion when it is made; `Suggestion` says what the fields are."""

    workflow_id: int
    task_id: int | None
    task: str | None
    rule: str
    source: Source
    title: str
    rationale: str
    patch: Patch | None
    prediction: Facts
    evidence: Evidence | None
    seconds_a_day: float = 0.0
    undoes_id: int | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a suggestion.

    applied_revision, inverse: of an approval that has changed the workflow.
    """

    status: Status
    by: str | None
    notes: str | None
    applied_revision: int | None = None
    inverse: Patch | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """What one run has found out about one workflow.

    new: to be stored.
    refreshed: open ones that hold as before, by their ids.
    stale: the ids of open ones that do not hold any more.
    """

    new: Sequence[NewSuggestion] = ()
    refreshed: Mapping[int, NewSuggestion] = field(default_factory=dict)
    stale: Sequence[int] = ()


class Undecided(Protocol):
    """A suggestion that no one else can decide at the same time.

    suggestion: as it is now.
    """

    @property
    def suggestion(self) -> Suggestion: ...

    async def decide(self, decision: Decision) -> Suggestion:
        """Store the decision and audit it."""


class SuggestionStore(Protocol):
    """Each method is about the suggestions of one tenant. What others have is as what does not exist."""

    async def list(
        self, tenant_id: int, wanted: SuggestionFilter, skip: int, limit: int
    ) -> tuple[Sequence[Suggestion], int]: ...

    async def get(self, tenant_id: int, suggestion_id: int) -> Suggestion | None: ...

    async def known(self, tenant_id: int, workflow_id: int, since: datetime) -> Sequence[Suggestion]:
        """Those of a workflow that are open or approved, or were decided since then."""

    async def insert(self, act: Act, new: NewSuggestion) -> Suggestion | None:
        """None if there is an open one of this workflow, task, source and rule, or no such workflow."""

    def deciding(self, act: Act, suggestion_id: int) -> AbstractAsyncContextManager[Undecided]:
        """Hold the suggestion until it is decided or the context ends. No connection is kept meanwhile.

        Raise `NotFound`, and `WrongState` while someone else decides it.
        """

    async def choose(self, tenant_id: int, choice: Choice) -> Sequence[SuggestionNews]:
        """Store what a run has found; return what is new."""

    async def note_effect(self, tenant_id: int, suggestion_id: int, effect: Facts) -> None: ...

    async def remove_stale(self, tenant_id: int) -> None:
        """Remove those that have been stale for long."""


class Histories(Protocol):
    """What suggestions are computed from. Each method is one statement, in one tenant."""

    async def now(self) -> datetime: ...

    async def workflows(self, tenant_id: int, after: int, created_before: datetime, limit: int) -> Sequence[Workflow]:
        """The current revisions of workflows with an id above `after`, ordered by id."""

    async def revisions(self, tenant_id: int, workflow_id: int, numbers: Sequence[int]) -> Sequence[Workflow]: ...

    async def executions(
        self, tenant_id: int, workflow_id: int, first: UUID, last: UUID, limit: int
    ) -> Sequence[StoredExecution]:
        """Those from one id to the other, newest first."""

    async def events(self, tenant_id: int, ids: Sequence[UUID], limit: int) -> Sequence[StoredEvent]:
        """What rules need of the histories of these executions, one after the other; at most `limit` events."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to compute the suggestions of one tenant.

    holder: who has it.
    requested_at: when a caller has asked for it; None if it was due.
    """

    tenant_id: int
    tenant: str
    holder: UUID
    requested_at: datetime | None


class Turns(Protocol):
    """Which engine computes the suggestions of which tenant."""

    async def claim(self, seconds: float) -> Claim | None:
        """The right for one tenant that is due, for so long; None if there is none, or if others have them."""

    async def renew(self, claim: Claim, seconds: float) -> bool:
        """False if another engine has it now."""

    async def done(self, claim: Claim, next_seconds: float) -> None: ...

    async def release(self, claim: Claim) -> None:
        """Give it back before it is done."""

    async def note_fullness(self, engine: str, *, is_full: bool) -> None: ...

    async def fullness(self) -> Fullness | None: ...


class Requests(Protocol):
    """Asks engines to compute."""

    async def request(self, tenant_id: int) -> ComputingState: ...


class Definitions(Protocol):
    """`DefinitionService` implements it."""

    async def document(self, caller: Caller, ref: Ref) -> StoredDocument: ...

    async def replace(
        self, caller: Caller, ref: Ref, draft: WorkflowDraft, expected_revision: int | None = None
    ) -> StoredWorkflow: ...


class Parsing(Protocol):
    """Makes a draft of a document, as REST does with a body."""

    def __call__(self, document: Mapping[str, Any]) -> WorkflowDraft:
        """Raise `Invalid`."""
