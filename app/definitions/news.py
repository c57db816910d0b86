"""Tells all processes that a definition has changed. Like every wake-up between processes it may be lost."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import orjson

CHANNEL = "workflow_definition_news"


class Change(StrEnum):
    """What has happened to a definition."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class DefinitionNews:
    """A change that is committed.

    tenant_id: the tenant of the workflow.
    workflow_id: the workflow.
    change: what has happened to it.
    revision: the current revision; the last one of a workflow that was deleted.
    """

    tenant_id: int
    workflow_id: int
    change: Change
    revision: int

    def encode(self) -> str:
        """The payload of a notification."""
        return orjson.dumps([self.tenant_id, self.workflow_id, self.change.value, self.revision]).decode()


def decode(text: str) -> DefinitionNews:
    """Raise `ValueError` for a text that is no news."""
    tenant_id, workflow_id, change, revision = orjson.loads(text)
    return DefinitionNews(tenant_id, workflow_id, Change(change), revision)


Tell = Callable[[DefinitionNews], Awaitable[None]]
"""Sends news to all processes. Never raises: the change is committed."""


async def tell_nobody(_news: DefinitionNews) -> None:
    """For a process without others."""
