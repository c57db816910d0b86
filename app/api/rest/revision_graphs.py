"""`/workflows/{workflow}/revisions/{revision}/graph`: a definition as nodes and edges."""

from typing import Any, Literal

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.conditional_requests import IfNoneMatch
from app.api.rest.dependencies import CallerOfRequest, Definitions, WorkflowInPath
from app.api.rest.documentation import readable
from app.api.rest.responses import immutable_response
from app.api.rest.revisions import RevisionNumber
from app.domain.definitions import Workflow
from app.domain.drawn_graph import DrawnGraph, Edge, Node
from app.domain.refs import parse_ref

router = APIRouter(prefix="/workflows/{workflow}/revisions", tags=["revisions"])

FORM = 1
"""A part of the ETag: which fields the answer has. Increase it when that changes."""

EXAMPLE: dict[str, Any] = {
    "workflow_id": 7,
    "revision": 3,
    "routed": False,
    "start": None,
    "nodes": [
        {
            "id": "t41",
            "kind": "task",
            "task_id": 41,
            "name": "pay",
            "type": "http",
            "group": 1,
            "rank": 0,
            "undo": False,
            "for_each": None,
            "condition": "${input.total > 0}",
            "workflow": None,
        },
    ],
    "edges": [],
}


class RevisionNodeView(BaseModel):
    """A task, or a gate, which stands for all tasks of the groups before."""

    id: str
    kind: Literal["task", "gate"]
    task_id: int | None = Field(description="Null for a gate, as the fields of tasks are.")
    name: str | None
    type: str | None
    group: int = Field(description="The `sequence` of the task; for a gate, that of the group that waits for it.")
    rank: int = Field(description="The layer, from 0.")
    undo: bool = Field(description="True for a compensation.")
    for_each: str | None
    condition: str | None = Field(description="The task's `when`.")
    workflow: str | None = Field(description="The id or key of the workflow that the task starts as its child.")


class RevisionEdgeView(BaseModel):
    source: str = Field(serialization_alias="from", validation_alias="from")
    to: str
    kind: Literal["order", "undo", "success", "failure", "any"]
    label: str | None = Field(description="In a routed workflow, the name of the condition.")


class RevisionGraphView(BaseModel):
    """Tasks and gates, and what waits for what."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    workflow_id: int
    revision: int
    routed: bool = Field(description="True if conditions lead from task to task.")
    start: str | None = Field(description="The id of the first node of a routed workflow.")
    nodes: list[RevisionNodeView]
    edges: list[RevisionEdgeView]


@router.get(
    "/{revision}/graph",
    summary="Get the graph of a revision",
    response_model=RevisionGraphView,
    responses=readable(404),
)
async def get_revision_graph(
    workflow: WorkflowInPath,
    revision: RevisionNumber,
    definitions: Definitions,
    caller: CallerOfRequest,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The tasks and what waits for what, as nodes and edges. It never changes. The revisions of a deleted workflow are
    found by its id.
    """
    found, graph = await definitions.revision_graph(caller, parse_ref(workflow, caller.tenant_id), revision)
    body = orjson.dumps(_document(found, graph))
    return immutable_response(body, if_none_match, f'"{found.id}-{found.revision}-graph-{FORM}"')


def _document(workflow: Workflow, graph: DrawnGraph) -> dict[str, Any]:
    return {
        "workflow_id": workflow.id,
        "revision": workflow.revision,
        "routed": graph.start is not None,
        "start": graph.start,
        "nodes": [_node(node) for node in graph.nodes],
        "edges": [_edge(edge) for edge in graph.edges],
    }


def _node(node: Node) -> dict[str, Any]:
    task = node.task
    return {
        "id": node.id,
        "kind": "gate" if task is None else "task",
        "task_id": None if task is None else task.id,
        "name": None if task is None else task.name,
        "type": None if task is None else task.type,
        "group": node.group,
        "rank": node.rank,
        "undo": node.undo,
        "for_each": None if task is None else task.for_each,
        "condition": None if task is None else task.when,
        "workflow": node.workflow,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return {"from": edge.source, "to": edge.to, "kind": edge.kind.value, "label": edge.label}
