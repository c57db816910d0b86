"""Finds calls of workflows that do not exist, when a definition is checked or saved.

Such a call is a warning, because the called workflow may be created later; a strict check refuses it. What exists is
known to the store, which cannot be asked inside of a change: its callback does not wait. So the callback raises
`Unanswered`, the store is asked, and the change begins again.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from app.definitions.ports import CurrentRevision, DefinitionStore
from app.domain.calls import CALLED, called_workflow
from app.domain.definitions import TaskDraft
from app.domain.errors import InUse, Invalid, NotFound, Problem
from app.domain.refs import Ref, parse_ref

MOST_NAMED = 10
"""How many callers a message names."""

Result = TypeVar("Result")


class Unanswered(Exception):
    """The store has to be asked first: whether `called` exist, and who calls `lost`."""

    def __init__(self, called: frozenset[Ref], lost: frozenset[Ref]) -> None:
        super().__init__()
        self.called = called
        self.lost = lost


class CallCheck:
    """The check of one definition of a tenant. If it is strict, `warnings` raises them as `Invalid`."""

    def __init__(self, store: DefinitionStore, tenant_id: int, *, strict: bool) -> None:
        self._store = store
        self._tenant_id = tenant_id
        self._strict = strict
        self._exists: dict[Ref, bool] = {}
        self._callers: dict[Ref, Sequence[CurrentRevision]] = {}

    async def answered(self, step: Callable[[], Awaitable[Result]]) -> Result:
        """Repeat `step`, which calls `warnings`, until the store has answered everything that this needs."""
        while True:
            try:
                return await step()
            except Unanswered as question:
                await self._ask(question)

    def warnings(
        self, tasks: Sequence[TaskDraft], own: frozenset[Ref] = frozenset(), before: frozenset[Ref] = frozenset()
    ) -> list[Problem]:
        """The calls of workflows that do not exist, and the calls by a key that this workflow loses.

        own: what the workflow can be called by after the change. It may call itself.
        before: what it could be called by before.
        """
        lost = before - own
        called = {path: _called(text, self._tenant_id) for path, text in _calls(tasks)}
        refs = frozenset(ref for ref in called.values() if ref is not None) - own - lost
        if (refs - self._exists.keys()) or (lost - self._callers.keys()):
            raise Unanswered(refs, lost)
        known = own | {ref for ref in refs if self._exists[ref]}
        found = [Problem(path, _unknown(text)) for path, text in _calls(tasks) if called[path] not in known]
        found += [Problem("key", _lost(ref, others)) for ref in lost if (others := self._others(ref, own))]
        if found and self._strict:
            raise Invalid(found)
        return found

    def _others(self, ref: Ref, own: frozenset[Ref]) -> Sequence[CurrentRevision]:
        return [
            caller for caller in self._callers[ref] if Ref(tenant_id=self._tenant_id, id=caller.workflow_id) not in own
        ]

    async def _ask(self, question: Unanswered) -> None:
        if question.called:
            existing = await self._store.existing(self._tenant_id, question.called)
            self._exists |= {ref: ref in existing for ref in question.called}
        for ref in question.lost:
            self._callers[ref] = await self._store.callers(self._tenant_id, [ref])


async def refuse_if_called(store: DefinitionStore, ref: Ref) -> None:
    """Raise `InUse` if other workflows call this one. A workflow that does not exist is called by none."""
    current = await store.current(ref)
    callers = () if current is None else await store.callers(ref.tenant_id, current.refs(ref.tenant_id))
    if others := [caller for caller in callers if current and caller.workflow_id != current.workflow_id]:
        raise InUse(ref, _named(others))


def _calls(tasks: Sequence[TaskDraft]) -> Iterator[tuple[str, str]]:
    """The path and the text of each call that names a workflow."""
    for index, task in enumerate(tasks):
        if (text := called_workflow(task)) is not None:
            yield f"tasks[{index}].config.{CALLED}", text


def _called(text: str, tenant_id: int) -> Ref | None:
    """None for a text that can be neither an id nor a key."""
    try:
        return parse_ref(text, tenant_id)
    except NotFound:
        return None


def _unknown(text: str) -> str:
    return f"there is no workflow {text!r}; until there is one, executions fail at this task"


def _lost(ref: Ref, callers: Sequence[CurrentRevision]) -> str:
    return f"other workflows call this one by the key {str(ref)!r}, which it loses: {', '.join(_named(callers))}"


def _named(callers: Sequence[CurrentRevision]) -> list[str]:
    names = [repr(caller.key or str(caller.workflow_id)) for caller in callers[:MOST_NAMED]]
    more = len(callers) - len(names)
    return [*names, f"and {more} more"] if more else names
