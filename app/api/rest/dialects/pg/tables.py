"""`/api/…`: machines and entities as tables that can be filtered, ordered and cut."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from app.api.rest.dependencies import CallerOfRequest, ReadyServices
from app.api.rest.dialects.pg.documents import table_parameters, table_responses
from app.api.rest.dialects.pg.queries import read_listing
from app.api.rest.dialects.pg.refused import BAD_RANGE, NOT_ONE_ROW, PgRefused
from app.api.rest.responses import json_response
from app.domain.documents import rfc3339
from app.machines.listed import RESOURCES, Kind, Resource
from app.machines.listing import Chosen, Listing

ONE_OBJECT = "application/vnd.pgrst.object"
"""As `Accept`, with `+json` or without: one row instead of a list."""

_COUNTS = frozenset({"count=exact", "count=planned", "count=estimated"})
"""All of them are counted exactly."""

Endpoint = Callable[..., Coroutine[Any, Any, Response]]


class TableRoute(APIRoute):
    """A route that reads its query itself: any column can be a parameter."""

    reads_query = True


router = APIRouter(prefix="/api", tags=["pg"], route_class=TableRoute)


def _reading(resource: Resource) -> Endpoint:
    """The endpoint of a table."""

    async def read_table(request: Request, services: ReadyServices, caller: CallerOfRequest) -> Response:
        listing = read_listing(resource, request.scope["query_string"])
        listings = services.machines.listings
        total = await listings.count(caller.tenant_id, listing) if _wants_count(request) else None
        if total is not None and listing.offset > total:
            raise _beyond(listing.offset, total)
        rows = [_row(listing.chosen, row) for row in await listings.rows(caller.tenant_id, listing)]
        if ONE_OBJECT in request.headers.get("accept", ""):
            return _one_object(rows, _headers(listing, len(rows), total))
        return _answer(rows, listing, total)

    return read_table


for _resource in RESOURCES.values():
    router.add_api_route(
        f"/{_resource.name}",
        _reading(_resource),
        methods=["GET"],
        name=f"pg_{_resource.name}",
        summary=f"Read {_resource.name}",
        description=_resource.meaning,
        responses=table_responses(_resource),
        openapi_extra={"parameters": table_parameters(_resource)},
    )


def _wants_count(request: Request) -> bool:
    wishes = (wish.strip() for line in request.headers.getlist("prefer") for wish in line.split(","))
    return any(wish in _COUNTS for wish in wishes)


def _row(chosen: Sequence[Chosen], values: Sequence[Any]) -> dict[str, Any]:
    return {one.name: _shown(one.field.kind, value) for one, value in zip(chosen, values, strict=True)}


def _shown(kind: Kind, value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if kind is Kind.JSON and value is not None:
        return orjson.Fragment(value)
    return str(value) if kind is Kind.UUID else value


def _answer(rows: Sequence[dict[str, Any]], listing: Listing, total: int | None) -> Response:
    """206 when the count says that there are more rows."""
    is_part = total is not None and len(rows) < total
    return json_response(orjson.dumps(rows), 206 if is_part else 200, _headers(listing, len(rows), total))


def _one_object(rows: Sequence[dict[str, Any]], headers: dict[str, str]) -> Response:
    if len(rows) != 1:
        details = f"The result contains {len(rows)} rows"
        raise PgRefused(NOT_ONE_ROW, "Cannot coerce the result to a single JSON object", details, status=406)
    return Response(orjson.dumps(rows[0]), 200, headers, f"{ONE_OBJECT}+json")


def _headers(listing: Listing, count: int, total: int | None) -> dict[str, str]:
    bounds = f"{listing.offset}-{listing.offset + count - 1}" if count else "*"
    headers = {"Content-Range": f"{bounds}/{'*' if total is None else total}"}
    return headers if total is None else headers | {"Preference-Applied": "count=exact"}


def _beyond(offset: int, total: int) -> PgRefused:
    details = f"An offset of {offset} was requested, but there are only {total} rows."
    return PgRefused(BAD_RANGE, "Requested range not satisfiable", details, status=416)
