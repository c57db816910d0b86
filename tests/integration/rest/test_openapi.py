"""The OpenAPI document: complete for readers, and true of what the service answers."""

import re
from contextlib import asynccontextmanager

import pytest

from app.api.rest.app import create_app
from app.machines.listed import RESOURCES

DASHBOARD = ("health", "workflows", "agents", "tasks", "suggestions", "audit")
"""The resources of the dialect at `/api`."""


@pytest.fixture(scope="module")
def document() -> dict:
    @asynccontextmanager
    async def never(app):
        yield

    return create_app(never).openapi()


def operations(document: dict):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def usual_operations(document: dict):
    """Without those of the dialect that has its own forms."""
    return ((name, operation) for name, operation in operations(document) if " /pg/" not in name)


def resolved(document: dict, schema: dict) -> dict:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def test_every_operation_is_described(document):
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(ids) == len(set(ids)) == 128
    for name, operation in operations(document):
        assert re.fullmatch(r"[a-z_]+", operation["operationId"]), name
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
        for parameter in operation.get("parameters", []):
            assert parameter.get("description"), (name, parameter["name"])


def test_every_body_and_answer_has_a_schema_and_an_example(document):
    for name, operation in usual_operations(document):
        bodies = [operation["requestBody"]["content"]["application/json"]] if "requestBody" in operation else []
        answers = [
            r["content"]["application/json"]
            for s, r in operation["responses"].items()
            if s in ("200", "201", "202") and list(r["content"]) != ["text/event-stream"]
        ]
        for content in bodies + answers:
            schema = content["schema"]
            for choice in ("anyOf", "oneOf"):
                schema = schema.get(choice, [schema])[0]
            assert resolved(document, schema).get("properties"), name
            shown = resolved(document, schema)
            items = shown["properties"].get("items", {}).get("items", {})
            assert "examples" in shown or "examples" in resolved(document, items) or name.startswith("GET /"), name


def test_every_error_is_a_problem_with_an_example(document):
    for name, operation in usual_operations(document):
        errors = {s: r for s, r in operation["responses"].items() if s >= "400"}
        if name == "GET /api/health":
            # Its 503 is the same document as its 200.
            del errors["503"]
        assert errors or name in ("GET /healthz", "GET /")
        for status, response in errors.items():
            content = response["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, name
            assert content["example"]["status"] == int(status)
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_the_other_ways_to_write_a_path_are_not_in_it(document):
    paths = list(document["paths"])
    prefixes = ("/api/v1/", "/pg/", *(f"/api/{name}" for name in DASHBOARD))
    assert all(path.startswith(prefixes) or path in ("/", "/healthz", "/readyz") for path in paths)
    assert not any(path.endswith("/") for path in paths if path != "/")


def test_the_dialect_of_postgrest_has_its_own_errors_and_the_columns_of_its_tables(document):
    of_pg = {name: operation for name, operation in operations(document) if " /pg/" in name}
    assert len(of_pg) == 10
    for name, operation in of_pg.items():
        for status, response in operation["responses"].items():
            content = response["content"]["application/json"]
            if status < "400":
                assert content["schema"], name
                continue
            assert content["schema"] == {"$ref": "#/components/schemas/PgError"}, name
            assert {"code", "message"} <= set(content["example"]) <= {"code", "details", "hint", "message"}
    for resource in RESOURCES.values():
        parameters = {one["name"] for one in of_pg[f"GET /pg/api/{resource.name}"]["parameters"]}
        assert parameters >= {*resource.columns, "or", "not.and", "select", "order", "limit", "offset", "Prefer"}
