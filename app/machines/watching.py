"""Reads and follows the histories of entities for a caller."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from app.domain.callers import Caller
from app.domain.errors import Invalid, NotFound
from app.machines.follower import EntityFollower
from app.machines.ports import EntityPage, EntityStore
from app.machines.updates import EntityUpdate

Updates = AsyncGenerator[Sequence[EntityUpdate]]


@dataclass(frozen=True, slots=True)
class UpdatePage:
    """A part of a history.

    updates: the events, oldest first.
    ended: whether no event follows: the entity is in a final state.
    """

    updates: Sequence[EntityUpdate]
    ended: bool


class EntityWatching:
    """Histories of entities of the caller's tenant. What another tenant has raises `NotFound`, as what does not exist.

    store: where entities are.
    poll_seconds: after so long a followed history is read without a wake-up.
    """

    def __init__(self, store: EntityStore, poll_seconds: float) -> None:
        self._store = store
        self._poll_seconds = poll_seconds
        self._followers: dict[UUID, EntityFollower] = {}
        self._is_closed = False

    @property
    def readers(self) -> int:
        """How many follow an entity in this process."""
        return sum(follower.readers for follower in self._followers.values())

    async def page(self, caller: Caller, entity_id: UUID, after: int, limit: int) -> UpdatePage:
        """At most `limit` events behind a number."""
        found = await self._read(caller.tenant_id, entity_id, after, limit)
        updates = [EntityUpdate(entity_id, found.machine_id, event) for event in found.events]
        return UpdatePage(updates, found.is_final and after + len(updates) >= found.last)

    async def watch(self, caller: Caller, entity_id: UUID, after: int) -> Updates:
        """Replay the history behind a number, then follow it until the entity is in a final state."""
        if after < 0:
            raise Invalid.at("after_sequence", "must be 0 or more")
        found = await self._read(caller.tenant_id, entity_id, after, 1)
        if after > found.last:
            raise Invalid.at("after_sequence", f"{after} is beyond the history, which has {found.last} events")
        return self._follow(caller.tenant_id, entity_id, found.machine_id, after)

    def wake(self, payload: str) -> None:
        """A notification: the entity with this id has grown. Never waits."""
        follower = self._followers.get(UUID(payload))
        if follower is not None:
            follower.wake()

    def close(self) -> None:
        """End all that follow an entity in this process, because it stops. Harmless when repeated."""
        self._is_closed = True
        for follower in self._followers.values():
            follower.end()

    async def _follow(self, tenant_id: int, entity_id: UUID, machine_id: int, after: int) -> Updates:
        follower = self._join(tenant_id, entity_id, machine_id, after)
        try:
            while updates := await follower.next(after):
                yield updates
                after = updates[-1].event.sequence
        finally:
            self._leave(entity_id, follower)

    def _join(self, tenant_id: int, entity_id: UUID, machine_id: int, after: int) -> EntityFollower:
        follower = self._followers.get(entity_id)
        if follower is None:
            read = partial(self._read, tenant_id, entity_id)
            follower = EntityFollower(machine_id, read, after, self._poll_seconds)
            self._followers[entity_id] = follower
            if self._is_closed:
                follower.end()
        follower.readers += 1
        return follower

    def _leave(self, entity_id: UUID, follower: EntityFollower) -> None:
        follower.readers -= 1
        if not follower.readers:
            follower.close()
            del self._followers[entity_id]

    async def _read(self, tenant_id: int, entity_id: UUID, after: int, limit: int) -> EntityPage:
        page = await self._store.page(tenant_id, entity_id, after, limit)
        if page is None:
            raise NotFound("entity", entity_id)
        return page
