"""Tells all processes that there is a new suggestion. Like every wake-up between processes it may be lost."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

CHANNEL = "workflow_suggestion_news"


@dataclass(frozen=True, slots=True)
class SuggestionNews:
    """A suggestion that is stored.

    tenant_id: the tenant of the workflow.
    """

    tenant_id: int
    suggestion_id: int
    workflow_id: int
    rule: str

    def encode(self) -> str:
        """The payload of a notification."""
        return orjson.dumps([self.tenant_id, self.suggestion_id, self.workflow_id, self.rule]).decode()


def decode(text: str) -> SuggestionNews:
    """Raise `ValueError` for a text that is no news."""
    tenant_id, suggestion_id, workflow_id, rule = orjson.loads(text)
    return SuggestionNews(tenant_id, suggestion_id, workflow_id, rule)


Tell = Callable[[SuggestionNews], Awaitable[None]]
"""Sends news to all processes. Never raises: the suggestion is committed."""


async def tell_none(_news: SuggestionNews) -> None:
    """For a process without others."""
