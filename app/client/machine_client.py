"""What the REST API offers for machines and entities."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from app.client.rest_client import PAGE, Document, RestClient, ServiceRefusal, strictly


class MachineClient:
    """Machines and entities, over an open client."""

    def __init__(self, service: RestClient) -> None:
        self._service = service

    def find_machine(self, key: str) -> Document | None:
        """The current revision of a machine; None if no machine has the key."""
        try:
            return self.machine(key)
        except ServiceRefusal as refusal:
            if refusal.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def machine(self, ref: str) -> Document:
        return self._service.ask("GET", _machine_path(ref))

    def machines(self) -> Iterator[Document]:
        return self._service.all_of("/machines")

    def create_machine(self, definition: Mapping[str, Any], *, strict: bool = False) -> Document:
        """With `strict`, the service refuses what would otherwise be a warning of its answer."""
        return self._service.ask("POST", f"/machines{strictly(strict)}", definition)

    def replace_machine(self, key: str, definition: Mapping[str, Any], *, strict: bool = False) -> Document:
        """As `create_machine`."""
        return self._service.ask("PUT", f"{_machine_path(key)}{strictly(strict)}", definition)

    def start_entity(self, wanted: Mapping[str, Any]) -> Document:
        """Start an entity; return its first event."""
        return self._service.ask("POST", "/entities", wanted)

    def entity(self, entity_id: str) -> Document:
        return self._service.ask("GET", _entity_path(entity_id))

    def move_entity(self, entity_id: str, wanted: Mapping[str, Any]) -> Document:
        """Move an entity; return the event."""
        return self._service.ask("POST", f"{_entity_path(entity_id)}/transitions", wanted)

    def possible_transitions(self, entity_id: str) -> Sequence[Document]:
        """What leaves the entity's state, with what blocks each."""
        found: Sequence[Document] = self._service.ask("GET", f"{_entity_path(entity_id)}/transitions")["items"]
        return found

    def entities(self, wanted: Mapping[str, str]) -> Iterator[Document]:
        """All entities that match, newest first, page by page."""
        cursor: dict[str, str] = {}
        while True:
            page = self._service.ask("GET", f"/entities?{urlencode({**wanted, **cursor, 'limit': str(PAGE)})}")
            yield from page["items"]
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def entity_history(self, entity_id: str) -> Iterator[Document]:
        """The events that an entity has had so far, oldest first, page by page."""
        after = 0
        while True:
            page = self._service.ask("GET", f"{_entity_path(entity_id)}/events?after={after}&limit={PAGE}")
            yield from page["items"]
            if len(page["items"]) < PAGE:
                return
            after = page["items"][-1]["sequence"]


def _machine_path(ref: str) -> str:
    return f"/machines/{quote(ref, safe='')}"


def _entity_path(entity_id: str) -> str:
    return f"/entities/{quote(entity_id, safe='')}"
