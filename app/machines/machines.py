"""What the APIs know of machines."""

from dataclasses import dataclass

from app.domain.callers import Caller
from app.domain.refs import parse_ref
from app.machines.entities import EntityService
from app.machines.listing import Listings
from app.machines.migrating import MigrationService
from app.machines.service import MachineService
from app.machines.watching import EntityWatching
from app.machines.writing import EntityWriter


@dataclass(frozen=True, slots=True)
class Machines:
    """The use case.

    definitions: stores and reads machines.
    entities: starts, moves and reads entities.
    migrations: moves entities to other revisions.
    watching: reads and follows histories of entities.
    writer: stores steps of entities, for timers and for tasks.
    listings: reads machines and entities as tables.
    """

    definitions: MachineService
    entities: EntityService
    migrations: MigrationService
    watching: EntityWatching
    writer: EntityWriter
    listings: Listings

    async def machine_id(self, caller: Caller, text: str) -> int | None:
        """The id of the machine that a filter asks for by its id or key; None for an empty text. Raise `NotFound`."""
        return (await self.definitions.get(caller, parse_ref(text, caller.tenant_id, "machine"))).id if text else None
