"""Lists of this dialect: `{total, items, skip, limit}`, 50 items unless the caller says otherwise."""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query, Response
from pydantic import BaseModel, Field

from app.api.rest.dependencies import MAX_LIMIT
from app.api.rest.responses import readable_response

DEFAULT_LIMIT = 50

PageLimit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="The largest number of items to return.")]

Item = TypeVar("Item", bound=BaseModel)


class DashboardPage(BaseModel, Generic[Item]):
    """One page of a list."""

    total: int = Field(description="The number of items on all pages.")
    items: list[Item]
    skip: int
    limit: int


def page_response(
    items: Sequence[dict[str, Any]], total: int, skip: int, limit: int, if_none_match: str | None, **more: Any
) -> Response:
    document = {"total": total, "items": items, "skip": skip, "limit": limit, **more}
    return readable_response(orjson.dumps(document), if_none_match)
