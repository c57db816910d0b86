"""Everything that the APIs may ask of suggestions."""

from collections.abc import Sequence
from typing import Protocol

from app.domain.callers import Caller
from app.domain.refs import Ref
from app.insights.suggestions import ComputingState, Facts, Suggestion, SuggestionDraft, SuggestionFilter


class Suggestions(Protocol):
    """The suggestions of the caller's tenant, as other APIs may use them; `SuggestionService` is the implementation.

    An unknown id raises `NotFound("suggestion", id)`. Decisions raise `WrongState` for a suggestion that is not open
    (undo: not approved), and are audited. What other tenants have is unknown.
    """

    async def list(
        self, caller: Caller, wanted: SuggestionFilter, skip: int, limit: int
    ) -> tuple[Sequence[Suggestion], int]:
        """One page, newest first, and the number of all matches."""

    async def get(self, caller: Caller, suggestion_id: int) -> Suggestion: ...

    async def evidence(self, caller: Caller, suggestion_id: int) -> Facts:
        """What it was computed from, the observations, and the same formula computed again from them."""

    async def create(self, caller: Caller, ref: Ref, draft: SuggestionDraft) -> Suggestion:
        """Store one of an external source. Raise `Invalid`, and `Conflict` if it has an open one of this rule."""

    async def approve(
        self, caller: Caller, suggestion_id: int, approved_by: str | None = None, notes: str | None = None
    ) -> Suggestion:
        """Apply its patch to the current revision, which makes a new one; advice is only noted as approved.

        approved_by: the person's name; the caller's principal if it is None.
        Raise `SuggestionStale` if it holds no longer or the field has changed; it is then stored as stale.
        """

    async def reject(
        self, caller: Caller, suggestion_id: int, rejected_by: str | None = None, reason: str | None = None
    ) -> Suggestion:
        """It is not made again for 30 days, unless its evidence has doubled."""

    async def undo(
        self, caller: Caller, suggestion_id: int, undone_by: str | None = None, notes: str | None = None
    ) -> Suggestion:
        """Apply the inverse patch. Raise `SuggestionStale` unless the field still has the value that was applied."""

    async def compute(self, caller: Caller) -> ComputingState:
        """Ask the engines to compute the suggestions of the tenant soon. An engine does it, not this process."""
