"""What the use case needs from outside: protocols that `adapters/` implement and `wiring/` connects."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import orjson

from app.domain.actions import Act
from app.domain.definitions import Config, Task, TaskDraft, Workflow, WorkflowDraft
from app.domain.documents import workflow_document
from app.domain.errors import Problem
from app.domain.refs import Ref
from app.domain.routing import Condition
from app.expressions.compiling import Pace


class SchemaCheck(Protocol):
    """Compiles schemas where that delays nothing else.

    turns: says when the next expression may be compiled.
    """

    @property
    def turns(self) -> Pace: ...

    async def problems_of_schema(self, schema: Config, path: str) -> Sequence[Problem]:
        """Every problem of a schema; paths start with `path`. Raise `Unavailable`."""


@dataclass(frozen=True, slots=True)
class CurrentRevision:
    """What a workflow is known by, and which of its revisions is current."""

    workflow_id: int
    key: str | None
    revision: int

    def refs(self, tenant_id: int) -> frozenset[Ref]:
        """What it can be asked for by in its tenant."""
        return refs_of(tenant_id, self.workflow_id, self.key)

    @property
    def etag(self) -> str:
        return revision_etag(self.workflow_id, self.revision)


@dataclass(frozen=True, slots=True)
class StoredDocument(CurrentRevision):
    """The current document of a workflow as it is sent.

    body: JSON in UTF-8.
    """

    body: bytes


@dataclass(frozen=True, slots=True)
class StoredWorkflow:
    """A workflow as a write leaves it.

    workflow: the current revision.
    body: its document, JSON in UTF-8, as a later read returns it.
    warnings: what may be wrong although it is stored; stores leave it empty.
    """

    workflow: Workflow
    body: bytes
    warnings: Sequence[Problem] = ()

    @classmethod
    def of(cls, workflow: Workflow) -> "StoredWorkflow":
        return cls(workflow, orjson.dumps(workflow_document(workflow)))

    @property
    def etag(self) -> str:
        return revision_etag(self.workflow.id, self.workflow.revision)


def refs_of(tenant_id: int, workflow_id: int, *keys: str | None) -> frozenset[Ref]:
    """All refs of a workflow of the tenant that has, or has had, these keys."""
    by_key = (Ref(tenant_id=tenant_id, key=key) for key in keys if key is not None)
    return frozenset((Ref(tenant_id=tenant_id, id=workflow_id), *by_key))


def revision_etag(workflow_id: int, revision: int) -> str:
    """A strong validator, quoted for HTTP: every change creates a new revision, and ids are never reused."""
    return f'"{workflow_id}-{revision}"'


@dataclass(frozen=True, slots=True)
class RevisionSummary:
    """requested_by: the principal that has made it; None for callers without authentication."""

    workflow_id: int
    revision: int
    name: str
    task_count: int
    created_at: datetime
    requested_by: str | None = None


@dataclass(frozen=True, slots=True)
class WorkflowFilter:
    """A filter of workflows.

    name: a part of the name, ignoring case.
    key: the whole key.
    routed: only workflows with a `start_task`.
    """

    name: str | None = None
    key: str | None = None
    routed: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowEdit:
    """The complete new workflow: fields and tasks. A `Task` with an id keeps its row; a `TaskDraft` is added."""

    name: str
    description: str | None
    key: str | None
    tasks: tuple[Task | TaskDraft, ...]
    timeout_seconds: float | None
    variables: Config = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    input_schema: Config | None = None
    retention_days: float | None = None
    start_task: str | None = None
    conditions: tuple[Condition, ...] = ()
    max_visits: int | None = None


Edit = Callable[[Workflow], WorkflowEdit]


class DefinitionStore(Protocol):
    """Each method is one transaction, in one tenant: that of the ref, or the one that is given. What another tenant has
    is as what does not exist. Unknown refs raise `NotFound`. An `act` is audited, unless nothing changes.
    """

    async def create(self, act: Act, draft: WorkflowDraft) -> StoredWorkflow:
        """Store revision 1. Raise `Conflict` if the key is taken."""

    async def change(self, act: Act, ref: Ref, edit: Edit, expected_revision: int | None = None) -> StoredWorkflow:
        """Lock the workflow, apply `edit`, and store the next revision. Write nothing if nothing changes.

        Raise `RevisionMismatch` if the workflow is not at `expected_revision`, `Conflict` if the key is taken.
        """

    async def delete(self, act: Act, ref: Ref, expected_revision: int | None = None) -> Workflow:
        """Remove the workflow and its tasks; its revisions and executions stay. Return it as it was."""

    async def document(self, ref: Ref) -> StoredDocument | None: ...

    async def current(self, ref: Ref) -> CurrentRevision | None:
        """As `document`, without the body."""

    async def existing(self, tenant_id: int, refs: Collection[Ref]) -> frozenset[Ref]:
        """Those of `refs`, all of the tenant, that a workflow has."""

    async def callers(self, tenant_id: int, refs: Collection[Ref]) -> Sequence[CurrentRevision]:
        """The tenant's workflows with a task whose config names one of `refs` to call it; ordered by id."""

    async def list_documents(
        self, tenant_id: int, wanted: WorkflowFilter, skip: int, limit: int
    ) -> tuple[Sequence[bytes], int]:
        """One page of documents ordered by id, and the number of all matches."""

    async def workflow_of_task(self, tenant_id: int, task_id: int) -> int:
        """The id of the tenant's workflow that has this task now."""

    async def list_revisions(self, ref: Ref, skip: int, limit: int) -> tuple[Sequence[RevisionSummary], int]:
        """Newest first, and the number of all revisions; also of a deleted workflow, by id."""

    async def revision_document(self, ref: Ref, revision: int) -> bytes:
        """The snapshot; also of a deleted workflow, by id."""


@dataclass(frozen=True, slots=True)
class Absence:
    """The result that nothing is stored under `ref`."""

    ref: Ref


Content = StoredDocument | Absence


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A cache miss for `ref`, with the permission to fill the entry, which ends when `ref` changes.

    token: None if the entry must not be filled: the cache is unreachable, or `ref` is being changed.
    """

    ref: Ref
    token: bytes | None = None


@dataclass(frozen=True, slots=True)
class WriteIntent:
    """While it exists, what is stored under `refs` may change at any moment."""

    id: str
    refs: frozenset[Ref]


class DefinitionCache(Protocol):
    """Caches what is stored under an id or a key. No method raises: a failing cache is a miss.

    A reader calls `get`, then `reserve`, reads the store, and calls `put`. A writer calls `begin_write`, commits, and
    calls `invalidate`. The results of `get` and `reserve` are never older than the last change that was invalidated
    before the call. Why: docs/decisions/0013-cache-correctness.md.
    """

    async def get(self, ref: Ref) -> Content | None: ...

    async def reserve(self, ref: Ref) -> Content | Vacancy:
        """An entry that another reader has filled meanwhile, or a vacancy. Read the store only after this call."""

    async def put(self, vacancy: Vacancy, content: Content) -> None: ...

    async def begin_write(self, refs: Collection[Ref]) -> WriteIntent:
        """Set a write intent: while it exists, no entry under `refs` is served or filled.

        It expires by itself if its writer dies. If the cache is unreachable, it is not set, without an error.
        """

    async def release(self, intent: WriteIntent) -> None:
        """Remove the write intent after nothing was changed."""

    async def invalidate(self, intent: WriteIntent, refs: Collection[Ref]) -> None:
        """Remove the write intent after a commit. `refs` are its refs and all others that the change affected.

        When this returns, no process serves an older entry under `refs`. If the cache is unreachable, this takes as
        long as entries live.
        """

    async def is_reachable(self) -> bool:
        """Whether entries can be served and filled now."""


class TaskTypes(Protocol):
    def config_problems(self, task: TaskDraft, path: str = "", tenant: str = "") -> list[Problem]:
        """Every problem of `type` and `config` in the tenant with this key; paths start with `path`."""
