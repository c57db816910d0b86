"""What defining workflows needs from outside. Implemented in `adapters/`, joined in `wiring/`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.domain.definitions import Config, Task, TaskDraft, Workflow, WorkflowDraft
from app.domain.errors import Problem
from app.domain.routing import Condition


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A workflow's current document as it goes over the wire. `body` is JSON in UTF-8."""

    workflow_id: int
    key: str | None
    revision: int
    body: bytes

    @property
    def etag(self) -> str:
        return revision_etag(self.workflow_id, self.revision)


def revision_etag(workflow_id: int, revision: int) -> str:
    """A strong validator, quoted as HTTP wants it: every change makes a new revision, and ids are never used again."""
    return f'"{workflow_id}-{revision}"'


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    workflow_id: int
    revision: int
    name: str
    task_count: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class WorkflowFilter:
    """`name` matches a part of the name, ignoring case; `key` matches whole; `routed` are those with a `start_task`."""

    name: str | None = None
    key: str | None = None
    routed: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowEdit:
    """The wanted whole: fields and tasks. A `Task` with an id keeps that row; a `TaskDraft` becomes a new one."""

    name: str
    description: str | None
    key: str | None
    tasks: tuple[Task | TaskDraft, ...]
    timeout_seconds: float | None
    variables: Config = field(default_factory=dict)
    input_schema: Config | None = None
    retention_days: float | None = None
    start_task: str | None = None
    conditions: tuple[Condition, ...] = ()
    max_visits: int | None = None


Edit = Callable[[Workflow], WorkflowEdit]


class DefinitionStore(Protocol):
    """Each method is one transaction. `ref` is an id or a key; unknown ones raise `NotFound`."""

    async def create(self, draft: WorkflowDraft) -> Workflow:
        """Store revision 1. Raise `Conflict` when the key is taken."""

    async def change(self, ref: str, edit: Edit, expected_revision: int | None = None) -> Workflow:
        """Lock the workflow, apply `edit`, store the next revision; nothing is written where nothing changes.

        Raise `RevisionMismatch` when it is not at `expected_revision`, `Conflict` when the key is taken.
        """

    async def delete(self, ref: str, expected_revision: int | None = None) -> Workflow:
        """Remove the workflow and its tasks; its revisions and executions stay."""

    async def document(self, ref: str) -> StoredDocument | None: ...

    async def list_documents(self, wanted: WorkflowFilter, skip: int, limit: int) -> tuple[Sequence[bytes], int]:
        """One page of documents ordered by id, and how many match in all."""

    async def workflow_of_task(self, task_id: int) -> int:
        """The id of the workflow that holds this task now."""

    async def list_revisions(self, ref: str, skip: int, limit: int) -> tuple[Sequence[RevisionSummary], int]:
        """Newest first, and how many there are in all; also of a deleted workflow, by id."""

    async def revision_document(self, ref: str, revision: int) -> bytes:
        """The snapshot; also of a deleted workflow, by id."""


@dataclass(frozen=True, slots=True)
class Absence:
    """The knowledge that nothing is stored under `ref`."""

    ref: str


Content = StoredDocument | Absence


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A cache's answer that it has nothing under `ref`, and the permission to fill it, void once `ref` is changed.

    Without a `token` nothing may be filled in: the cache cannot be reached, or `ref` is being changed.
    """

    ref: str
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A writer's word that what is stored under `refs` may change at any moment."""

    id: str
    refs: frozenset[str]


class DefinitionCache(Protocol):
    """Holds what is stored under an id or a key. No method raises: a cache that fails is a miss.

    A reader asks `get`, then reserves, asks the store, and fills the vacancy. A writer marks, commits, and invalidates.
    What `get` and `reserve` answer is never older than the last change that was invalidated before they were called.
    """

    async def get(self, ref: str) -> Content | None: ...

    async def reserve(self, ref: str) -> Content | Vacancy:
        """What somebody else has filled in by now, or a vacancy; ask the store only after it."""

    async def put(self, vacancy: Vacancy, content: Content) -> None: ...

    async def mark(self, refs: Sequence[str]) -> Mark:
        """From now on nothing is served under `refs` nor filled in, until the mark is taken away.

        If its writer dies, the mark ends by itself. It may fail unnoticed where the cache cannot be reached.
        """

    async def release(self, mark: Mark) -> None:
        """Take the mark away: nothing was changed."""

    async def invalidate(self, mark: Mark, refs: Sequence[str]) -> None:
        """Take the mark away after the change was committed; `refs` are its refs and what it touched beside them.

        After this returns nothing older is served under `refs`, by any process. Where the cache cannot be reached, that
        takes as long as entries live.
        """


class TaskTypes(Protocol):
    def config_problems(self, task: TaskDraft, path: str = "") -> list[Problem]:
        """What is wrong with `type` and `config`; paths start with `path`."""
