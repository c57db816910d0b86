"""Creates, changes, reads and deletes machines of the caller's tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from app.domain.actions import Act, Action
from app.domain.callers import Caller
from app.domain.definitions import MAX_NAME, text_problems
from app.domain.errors import Invalid, NotFound, Problem
from app.domain.refs import Ref
from app.domain.stated import NOTHING_STATED, Stated
from app.machines.comparing import MachineDifferences, compare_machines
from app.machines.documents import MACHINE_FIELDS, draft_document
from app.machines.machine import Machine, MachineDraft
from app.machines.parsing import parse_machine
from app.machines.ports import MachineEdit, MachineFilter, MachineRevision, MachineStore
from app.machines.rules import check_machine


@dataclass(frozen=True, slots=True)
class StoredMachine:
    """A machine as a write leaves it, and what may be wrong although it is stored."""

    machine: Machine
    warnings: Sequence[Problem] = ()


@dataclass(frozen=True, slots=True)
class MachineVerdict:
    """What is wrong with a machine: problems for which it would be refused, and warnings for which it would not."""

    problems: Sequence[Problem]
    warnings: Sequence[Problem]


class MachineService:
    """Machines of the caller's tenant.

    Unknown refs raise `NotFound`, broken rules `Invalid`, a taken key `Conflict`, an `expected_revision` that is not
    the current one `RevisionMismatch`, something `stated` that is not true `Invalid` or `Outdated`. Warnings raise
    `Invalid` if `strict`.
    """

    def __init__(self, store: MachineStore) -> None:
        self._store = store

    async def create(self, caller: Caller, draft: MachineDraft, *, strict: bool = False) -> StoredMachine:
        warnings = check_machine(draft, strict=strict)
        return StoredMachine(await self._store.create(Act(caller, Action.MACHINE_CREATE), draft), warnings)

    def judge(self, draft: MachineDraft, *, strict: bool = False) -> MachineVerdict:
        """Everything that `create` would find, except a taken key."""
        try:
            return MachineVerdict((), check_machine(draft, strict=strict))
        except Invalid as error:
            return MachineVerdict(error.problems, ())

    async def replace(
        self,
        caller: Caller,
        ref: Ref,
        draft: MachineDraft,
        expected_revision: int | None = None,
        stated: Stated = NOTHING_STATED,
        *,
        strict: bool = False,
    ) -> StoredMachine:
        warnings = check_machine(draft, strict=strict)

        def edit(current: Machine) -> MachineDraft:
            stated.checked(current)
            return draft

        act = Act(caller, Action.MACHINE_CHANGE)
        return StoredMachine(await self._store.change(act, ref, edit, expected_revision), warnings)

    async def merge(
        self,
        caller: Caller,
        ref: Ref,
        changes: Mapping[str, Any],
        expected_revision: int | None = None,
        stated: Stated = NOTHING_STATED,
        *,
        strict: bool = False,
    ) -> StoredMachine:
        """Change fields at the top of the machine's document; the others stay as they are."""
        warnings: list[Problem] = []

        def edit(current: Machine) -> MachineDraft:
            draft = parse_machine(draft_document(stated.checked(current)) | dict(changes))
            warnings[:] = check_machine(draft, strict=strict)
            return draft

        act = Act(caller, Action.MACHINE_CHANGE)
        return StoredMachine(await self._store.change(act, ref, edit, expected_revision), warnings)

    async def delete(self, caller: Caller, ref: Ref, expected_revision: int | None = None) -> Machine:
        """Delete the machine; its revisions stay. Raise `MachineInUse` if it governs entities."""
        return await self._store.delete(Act(caller, Action.MACHINE_DELETE), ref, expected_revision)

    async def restore(
        self, caller: Caller, ref: Ref, revision: int, expected_revision: int | None = None, *, strict: bool = False
    ) -> StoredMachine:
        """Create a new revision with the contents of an old one, unless they equal the current one."""
        past = await self.revision(caller, ref, revision)
        warnings = check_machine(draft_of(past), strict=strict)
        act, edit = Act(caller, Action.MACHINE_RESTORE), _restoring(past)
        return StoredMachine(await self._store.change(act, ref, edit, expected_revision), warnings)

    async def differences(self, caller: Caller, ref: Ref, revision: int, against: int) -> MachineDifferences:
        """The differences from revision `against` to `revision`; `against` 0 stands for an empty machine."""
        after = await self.revision(caller, ref, revision)
        return compare_machines(await self.revision(caller, ref, against) if against else None, after)

    async def get(self, caller: Caller, ref: Ref) -> Machine:
        found = await self._store.get(ref)
        if found is None:
            raise NotFound("machine", ref)
        return found

    async def revision(self, caller: Caller, ref: Ref, revision: int) -> Machine:
        current = await self.get(caller, ref)
        found = await self._store.revision(caller.tenant_id, current.id, revision)
        if found is None:
            raise NotFound("revision", revision)
        return found

    async def list(self, caller: Caller, wanted: MachineFilter, skip: int, limit: int) -> tuple[Sequence[Machine], int]:
        """One page, ordered by id, and the number of all matches."""
        if problems := text_problems("name", wanted.name, MAX_NAME) + text_problems("key", wanted.key, MAX_NAME):
            raise Invalid(problems)
        return await self._store.list(caller.tenant_id, wanted, skip, limit)

    async def revisions(self, caller: Caller, ref: Ref, skip: int, limit: int) -> tuple[Sequence[MachineRevision], int]:
        """Newest first, and the number of all."""
        return await self._store.revisions(ref, skip, limit)


def draft_of(machine: MachineDraft) -> MachineDraft:
    """The fields that a caller can set."""
    return MachineDraft(**{name: getattr(machine, name) for name in MACHINE_FIELDS})


def _restoring(past: Machine) -> MachineEdit:
    """The key stays as it is: another machine may have the old one by now."""

    def edit(current: Machine) -> MachineDraft:
        kept = {field.name: getattr(past, field.name) for field in fields(MachineDraft)}
        return MachineDraft(**kept | {"key": current.key})

    return edit
