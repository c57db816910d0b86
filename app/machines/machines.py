"""What the APIs know of machines."""

from dataclasses import dataclass

from app.machines.entities import EntityService
from app.machines.listing import Listings
from app.machines.migrating import MigrationService
from app.machines.service import MachineService
from app.machines.writing import EntityWriter


@dataclass(frozen=True, slots=True)
class Machines:
    """The use case.

    definitions: stores and reads machines.
    entities: starts, moves and reads entities.
    migrations: moves entities to other revisions.
    writer: stores steps of entities, for timers and for tasks.
    listings: reads machines and entities as tables.
    """

    definitions: MachineService
    entities: EntityService
    migrations: MigrationService
    writer: EntityWriter
    listings: Listings
