"""What pages in a browser can do to the service: nothing, unless a setting names them."""

import httpx
import pytest

from app.config import Settings
from tests.support.rest_service import serving

EVIL = {"origin": "http://evil.example"}
UI = "https://ui.example.com"
WORKFLOW = {"key": "w", "name": "W", "tasks": [{"name": "t", "execution_type": "sync"}]}
CHANGES = [
    ("POST", "/workflows/w/executions"),
    ("POST", "/api/v1/workflows/w/executions"),
    ("PUT", "/workflows/w"),
    ("PATCH", "/api/v1/workflows/w/"),
    ("DELETE", "/workflows/w"),
    ("POST", "/flow/run"),
    ("POST", "/no/such/path"),
]


def check_headers(answer: httpx.Response) -> None:
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert answer.headers.get_list("content-security-policy") == ["frame-ancestors 'none'"]


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    check_headers(answer)
    document = answer.json()
    assert (document["status"], document["instance"]) == (answer.status_code, answer.request.url.path)
    return answer.status_code, document["code"]


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("headers", [EVIL, {"sec-fetch-site": "cross-site"}], ids=str)
async def test_a_page_elsewhere_changes_nothing(rest, method: str, path: str, headers: dict[str, str]):
    assert (await rest.post("/workflows", json=WORKFLOW)).status_code == 201
    as_sent = headers | {"content-type": "text/plain"}
    assert problem(await rest.request(method, path, headers=as_sent)) == (403, "foreign_origin")
    assert (await rest.get("/workflows/w")).json()["revision"] == 1
    assert (await rest.get("/executions")).json()["items"] == []


async def test_a_page_of_this_service_and_other_clients_notice_nothing(rest):
    own = {"origin": "http://localhost", "sec-fetch-site": "same-origin"}
    assert (await rest.post("/workflows", json=WORKFLOW, headers=own)).status_code == 201
    assert (await rest.post("/workflows/w/executions", headers={"origin": "http://localhost"})).status_code == 202
    answer = await rest.post("/workflows/w/executions")
    assert answer.status_code == 202
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/workflows", "/api/v1/workflows/", "/healthz", "/", "/docs", "/openapi.json", "/x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_name_that_leads_here_by_rebinding_is_refused_everywhere(rest, method: str, path: str):
    answer = await rest.request(
        method, path, headers={"host": "evil.example:8000", "origin": "http://evil.example:8000"}
    )
    assert problem(answer) == (421, "unknown_host")
    assert "ALLOWED_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/workflows", 200),
        ("HEAD", "/workflows", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/healthz", 200),
        ("GET", "/workflows/none", 404),
        ("OPTIONS", "/workflows", 405),
        ("POST", "/workflows", 422),
        ("GET", "/no/such/path", 404),
    ],
)
async def test_every_response_has_the_headers_for_browsers(rest, method: str, path: str, status: int):
    answer = await rest.request(method, path)
    assert answer.status_code == status
    check_headers(answer)


async def test_a_response_without_a_change_has_them_too(rest):
    etag = (await rest.post("/workflows", json=WORKFLOW)).headers["etag"]
    answer = await rest.get("/workflows/w", headers={"if-none-match": etag})
    assert answer.status_code == 304
    check_headers(answer)


async def test_an_origin_that_is_named_may_do_everything(settings: Settings):
    shared = settings.model_copy(update={"cors_origins": f"{UI}/, http://127.0.0.1:3000"})
    page = {"origin": UI, "sec-fetch-site": "cross-site"}
    async with serving(shared) as rest:
        asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type,if-match"}
        before = await rest.options("/workflows", headers=page | asked)
        assert before.status_code == 200
        assert before.headers["access-control-allow-origin"] == UI
        assert "PUT" in before.headers["access-control-allow-methods"]
        assert before.headers["access-control-allow-headers"] == "content-type,if-match"
        made = await rest.post("/workflows", json=WORKFLOW, headers=page)
        assert made.status_code == 201
        assert made.headers["access-control-allow-origin"] == UI
        assert made.headers["vary"] == "Origin"
        assert "ETag" in made.headers["access-control-expose-headers"]
        check_headers(made)
        failed = await rest.get("/workflows/none", headers=page)
        assert (failed.status_code, failed.headers["access-control-allow-origin"]) == (404, UI)
        other = await rest.options("/workflows", headers=EVIL | asked)
        assert other.status_code == 405
        assert "access-control-allow-origin" not in other.headers
        assert problem(await rest.post("/workflows", json=WORKFLOW, headers=EVIL)) == (403, "foreign_origin")
        for headers in ({}, EVIL):
            read = await rest.get("/workflows", headers=headers)
            assert "access-control-allow-origin" not in read.headers
            assert read.headers["vary"] == "Origin"


async def test_the_dialect_of_a_dashboard_is_read_by_pages_that_are_named_only(settings: Settings):
    paths = [f"/api/{name}" for name in ("health", "workflows", "agents", "tasks", "suggestions", "audit")]
    page, shared = {"origin": UI, "sec-fetch-site": "cross-site"}, settings.model_copy(update={"cors_origins": UI})
    async with serving(settings) as rest:
        for path in paths:
            assert "access-control-allow-origin" not in (await rest.get(path, headers=page)).headers
        assert problem(await rest.post("/api/workflows", json={"name": "w"}, headers=page)) == (403, "foreign_origin")
    async with serving(shared) as rest:
        for path in paths:
            assert (await rest.get(path, headers=page)).headers["access-control-allow-origin"] == UI
        assert (await rest.post("/api/workflows", json={"name": "w"}, headers=page)).status_code == 201


async def test_names_that_are_set_are_allowed_beside_those_of_this_machine(settings: Settings):
    async with serving(settings.model_copy(update={"allowed_hosts": "flows.example.com"})) as rest:
        assert (await rest.get("/workflows", headers={"host": "flows.example.com"})).status_code == 200
        assert (await rest.get("/workflows")).status_code == 200
        assert problem(await rest.get("/workflows", headers={"host": "evil.example"})) == (421, "unknown_host")
