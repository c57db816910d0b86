import pytest
from fastapi import FastAPI

from app.api.rest.app import create_app


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
@pytest.mark.parametrize("end", ["", "/"])
async def test_every_path_answers_with_and_without_prefix_and_slash(rest, prefix, end):
    created = await rest.post(f"{prefix}/workflows{end}", json={"name": "n", "key": "k"})
    assert created.status_code == 201
    assert created.headers["location"] == f"/api/v1/workflows/{created.json()['id']}"
    task = await rest.post(f"{prefix}/workflows/k/tasks{end}", json={"name": "t", "execution_type": "sync"})
    assert task.status_code == 201
    execution = await rest.post(f"{prefix}/workflows/k/executions{end}", json={})
    assert execution.status_code == 202
    execution_id = execution.json()["id"]
    for path in (
        "/workflows",
        "/workflows/k",
        "/workflows/k/tasks",
        "/workflows/k/revisions",
        "/workflows/k/revisions/1",
        f"/tasks/{task.json()['id']}",
        "/executions",
        f"/executions/{execution_id}",
        f"/executions/{execution_id}/events",
        f"/executions/{execution_id}/tasks",
    ):
        answer = await rest.get(f"{prefix}{path}{end}")
        assert answer.status_code == 200, path
        head = await rest.head(f"{prefix}{path}{end}")
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-length"] == str(len(answer.content))
        assert head.headers["etag"] == answer.headers["etag"]


async def test_health(rest):
    assert (await rest.get("/healthz")).json() == {"status": "ok"}
    unread = {"hits": 0, "misses": 0, "bypasses": 0, "loads": 0}
    assert (await rest.get("/readyz")).json() == {"status": "ready", "cache": unread}
    assert (await rest.head("/healthz")).status_code == 200
    for path in ("/docs", "/openapi.json"):
        assert (await rest.get(path)).status_code == 200


async def test_unknown_paths_and_methods_are_problems(rest):
    unknown = await rest.get("/api/v1/nothing/ü")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert unknown.json() == {
        "type": "urn:problem:path_not_found",
        "title": "Not Found",
        "status": 404,
        "detail": "there is nothing at /api/v1/nothing/ü",
        "instance": "/api/v1/nothing/%C3%BC",
        "code": "path_not_found",
        "request_id": unknown.headers["x-request-id"],
    }
    for method, path, allowed in (
        ("DELETE", "/workflows", "GET, HEAD, POST"),
        ("POST", "/api/v1/workflows/7/", "GET, HEAD, PUT, PATCH, DELETE"),
        ("OPTIONS", "/executions/x/cancel", "POST"),
        ("HEAD", "/executions/x/cancel", "POST"),
        ("POST", "/healthz", "GET, HEAD"),
        ("BREW", "/workflows", "GET, HEAD, POST"),
    ):
        answer = await rest.request(method, path)
        assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
        assert method == "HEAD" or answer.json()["code"] == "method_not_allowed"


UNKNOWN = [
    ("GET", "/workflows/999", "workflow_not_found"),
    ("GET", "/workflows/no-such-key", "workflow_not_found"),
    ("GET", "/workflows/NO KEY", "workflow_not_found"),
    ("GET", "/workflows/9223372036854775808", "workflow_not_found"),
    ("GET", "/workflows/" + "9" * 5000, "workflow_not_found"),
    ("GET", "/workflows/a%00b", "workflow_not_found"),
    ("GET", "/workflows/%FF", "workflow_not_found"),
    ("PUT", "/workflows/999", "workflow_not_found"),
    ("PATCH", "/workflows/999", "workflow_not_found"),
    ("DELETE", "/workflows/999", "workflow_not_found"),
    ("GET", "/workflows/999/tasks", "workflow_not_found"),
    ("GET", "/workflows/999/revisions", "workflow_not_found"),
    ("GET", "/workflows/999/revisions/1", "revision_not_found"),
    ("GET", "/workflows/999/revisions/99999999999999999999", "revision_not_found"),
    ("POST", "/workflows/999/executions", "workflow_not_found"),
    ("GET", "/tasks/999", "task_not_found"),
    ("GET", "/tasks/-1", "task_not_found"),
    ("GET", "/tasks/9223372036854775808", "task_not_found"),
    ("DELETE", "/tasks/999", "task_not_found"),
    ("PATCH", "/tasks/999", "task_not_found"),
    ("GET", "/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71", "execution_not_found"),
    ("GET", "/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71/events", "execution_not_found"),
    ("POST", "/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71/cancel", "execution_not_found"),
    ("GET", "/executions?workflow_id=no-such-key", "workflow_not_found"),
]


async def test_unknown_things_are_not_found(rest):
    for method, path, code in UNKNOWN:
        answer = await rest.request(method, path, json={"name": "n"} if method in ("PUT", "PATCH") else None)
        assert (answer.status_code, answer.json()["code"]) == (404, code), path


def test_making_the_application_needs_nothing():
    def never(app: FastAPI):
        raise AssertionError("not before it serves")

    assert create_app(never).openapi()["info"]["title"] == "Workflow execution service"
