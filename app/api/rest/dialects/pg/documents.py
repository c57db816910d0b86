"""What the OpenAPI document says of this dialect: columns as parameters, rows, and errors in its own form."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.api.rest.examples import EXECUTION_ID, INSTANT
from app.machines.listed import Column, Kind, Resource
from app.machines.listing import MAX_ROWS, MAX_TERMS

Schema = dict[str, Any]

ALWAYS = (400, 401, 403, 429, 500, 503)
OF_TABLES = (*ALWAYS, 406, 416)
OF_READING = (*ALWAYS, 404, 422)
OF_WRITING = (*OF_READING, 409, 413, 415)

_EXAMPLES: Mapping[int, tuple[str, str, str | None]] = {
    400: ("42703", "column workflows.nme does not exist", None),
    401: ("PGRST302", "send an API key or a token: `Authorization: Bearer …`, or a key as `x-api-key`", None),
    403: ("42501", "key:Xk3vT9aB lacks machines:transition, which the role operator has", None),
    404: ("machine_not_found", "machine '99' does not exist", None),
    406: ("PGRST116", "Cannot coerce the result to a single JSON object", "The result contains 0 rows"),
    409: (
        "conditions_not_met",
        "transition 'start_processing' is blocked: field_required: approval_code",
        "field_required: approval_code",
    ),
    413: ("too_large", "body has more bytes; the limit is 1048576 bytes", None),
    415: ("unsupported_media_type", "the body must be JSON, with Content-Type: application/json", None),
    416: (
        "PGRST103",
        "Requested range not satisfiable",
        "An offset of 9 was requested, but there are only 5 rows.",
    ),
    421: ("unknown_host", "'example.com' is not a name of this service", None),
    422: ("22023", "instance_id: is required", "instance_id: is required"),
    429: ("rate_limited", "key:Xk3vT9aB has made too many requests in a minute", None),
    500: ("XX000", "an unexpected error; the server's log has the details under request 6f1c0d2b", None),
    503: ("unavailable", "the database does not answer", None),
}
_SCHEMAS: Mapping[Kind, Schema] = {
    Kind.TEXT: {"type": "string"},
    Kind.BIGINT: {"type": "integer"},
    Kind.INTEGER: {"type": "integer"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.UUID: {"type": "string", "format": "uuid"},
    Kind.INSTANT: {"type": "string", "format": "date-time"},
    Kind.JSON: {},
}
_SHOWN: Mapping[Kind, Any] = {
    Kind.TEXT: "…",
    Kind.BIGINT: 7,
    Kind.INTEGER: 1,
    Kind.BOOLEAN: True,
    Kind.UUID: EXECUTION_ID,
    Kind.INSTANT: INSTANT,
    Kind.JSON: {},
}


class PgError(BaseModel):
    """An error in the form of PostgREST."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "42703", "details": None, "hint": None, "message": "…"}]}
    )

    code: str = Field(description="That of PostgREST or PostgreSQL, or a word of this API where they have none.")
    details: str | None = Field(description="What exactly is wrong, such as the conditions that do not hold.")
    hint: str | None = Field(description="What to do.")
    message: str


def pg_error(status: int) -> dict[str, Any]:
    """The description of one error, for a document that has `PgError`."""
    code, message, details = _EXAMPLES[status]
    example = {"code": code, "details": details, "hint": None, "message": message}
    content = {"schema": {"$ref": "#/components/schemas/PgError"}, "example": example}
    return {"description": HTTPStatus(status).phrase, "content": {"application/json": content}}


def pg_errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {**pg_error(status), "model": PgError} for status in sorted(statuses)}


def table_responses(resource: Resource) -> dict[int | str, dict[str, Any]]:
    """Rows, of which not all columns need to be chosen, and others may be."""
    properties = {name: _schema(column) for name, column in resource.columns.items()}
    row = {"type": "object", "properties": properties}
    example = [{name: _SHOWN[column.kind] for name, column in resource.columns.items()}]
    shown = {
        "application/json": {"schema": {"type": "array", "items": {"type": "object"}}, "example": example},
        "application/vnd.pgrst.object+json": {"schema": row},
    }
    bounds = {"Content-Range": {"description": "`FIRST-LAST/TOTAL`.", "schema": {"type": "string"}}}
    return {
        200: {"description": "The rows.", "content": shown, "headers": bounds},
        206: {"description": "There are more rows than these.", "content": shown, "headers": bounds},
        **pg_errors(*OF_TABLES),
    }


def table_parameters(resource: Resource) -> list[Schema]:
    """The parameters of a table: its columns, and what else PostgREST has."""
    columns = ", ".join(resource.columns)
    return [
        *(_parameter(name, f"{column.meaning} As `eq.…`.") for name, column in resource.columns.items()),
        _parameter("or", f"Conditions of which one is enough: `(a.eq.1,b.gt.2)`. All in all {MAX_TERMS} conditions."),
        _parameter("and", "Conditions that must all hold: `(a.eq.1,or(b.gt.2,c.is.null))`."),
        _parameter("not.or", "Conditions of which none may hold."),
        _parameter("not.and", "Conditions that may not all hold."),
        _parameter("select", f"Columns, as `a,alias:b,metadata->k,metadata->>k`; there are {columns}."),
        _parameter("order", "As `a.desc.nullslast,b`."),
        _parameter("limit", f"The largest number of rows, at most {MAX_ROWS}.", {"type": "integer", "minimum": 0}),
        _parameter("offset", "How many rows to skip.", {"type": "integer", "minimum": 0}),
        _parameter("Prefer", "`count=exact` for the number of all rows, in `Content-Range`.", place="header"),
    ]


def _schema(column: Column) -> Schema:
    schema = _SCHEMAS[column.kind]
    nullable = {"anyOf": [schema, {"type": "null"}]} if schema else {}
    return {**nullable, "description": column.meaning}


def _parameter(name: str, description: str, schema: Schema | None = None, place: str = "query") -> Schema:
    return {
        "name": name,
        "in": place,
        "required": False,
        "description": description,
        "schema": schema or {"type": "string"},
    }
