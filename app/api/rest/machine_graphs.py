"""`/machines/{machine}/graph`: a drawing of a machine."""

from enum import StrEnum
from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from app.api.rest.conditional_requests import IfNoneMatch, matches_weakly
from app.api.rest.dependencies import CallerOfRequest, ReadyServices
from app.api.rest.documentation import readable
from app.api.rest.machines import MachineInPath, machine_ref
from app.machines.drawing.graph import Graph, graph_document, graph_of
from app.machines.drawing.mermaid import mermaid
from app.machines.drawing.svg import svg

router = APIRouter(prefix="/machines/{machine}", tags=["machines"])


class GraphFormat(StrEnum):
    JSON = "json"
    MERMAID = "mermaid"
    SVG = "svg"


NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'"
"""What a browser may do with a drawing that it opens by itself."""

_MEDIA_TYPES = {
    GraphFormat.JSON: "application/json",
    GraphFormat.MERMAID: "text/vnd.mermaid; charset=utf-8",
    GraphFormat.SVG: "image/svg+xml",
}
_DRAWINGS = [_MEDIA_TYPES[drawn].partition(";")[0] for drawn in (GraphFormat.MERMAID, GraphFormat.SVG)]
_CONTENT = {media: {"schema": {"type": "string"}} for media in _DRAWINGS}


class NodeView(BaseModel):
    """A state."""

    name: str
    initial: bool
    final: bool
    depth: int
    metadata: dict[str, object]


class EdgeView(BaseModel):
    """A transition that leaves one state."""

    source: str = Field(serialization_alias="from", validation_alias="from")
    to: str
    name: str
    conditions: list[str]
    wildcard: bool
    timer: bool


class GraphView(BaseModel):
    """A machine as states and transitions."""

    states: list[NodeView]
    transitions: list[EdgeView]


Format = Annotated[GraphFormat, Query(description="As data, as a diagram of Mermaid, or as a drawing.")]
Current = Annotated[str | None, Query(description="A state that a drawing marks.", max_length=200)]


_RESPONSES = readable(404)


@router.get(
    "/graph",
    summary="Draw a machine",
    response_model=GraphView,
    responses=_RESPONSES | {200: {"content": _CONTENT, **_RESPONSES[200]}},
)
async def get_machine_graph(
    machine: MachineInPath,
    services: ReadyServices,
    caller: CallerOfRequest,
    format: Format = GraphFormat.JSON,
    state: Current = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The states, and the transitions that leave each; a wildcard is shown for each state that it leaves."""
    found = await services.machines.definitions.get(caller, machine_ref(machine, caller))
    etag = f'"{found.id}-{found.revision}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    }
    if matches_weakly(if_none_match, etag) and state is None:
        return Response(status_code=304, headers=headers)
    return Response(_drawn(graph_of(found), format, state), headers=headers, media_type=_MEDIA_TYPES[format])


def _drawn(graph: Graph, format: GraphFormat, state: str | None) -> bytes:
    if format is GraphFormat.JSON:
        return orjson.dumps(graph_document(graph))
    return (mermaid(graph) if format is GraphFormat.MERMAID else svg(graph, state)).encode()
