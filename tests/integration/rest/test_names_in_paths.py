"""Ids and keys in paths: what nothing can have is refused by every operation in the same way."""

import httpx
import pytest

from app.api.rest.app import create_app
from app.api.rest.responses import PREFIX

NOTHING_HAS_THIS = "Not%20a%20key!"
BODIES = {
    "replace_workflow": {"name": "n"},
    "update_workflow": {"name": "n"},
    "create_task": {"name": "t", "execution_type": "sync"},
    "update_dashboard_workflow": {"name": "n"},
    "test_workflow": {},
    "replace_schedule": {"workflow": "w", "cron": "* * * * *"},
    "signal_execution": {"name": "go"},
    "skip_task": {"task": "t"},
    "rerun_execution": {"from_task": "t"},
}


def operations(parameter: str) -> list[tuple[str, str, object]]:
    """(method, path, body) of every operation whose path names a thing by `parameter`."""
    document = create_app(lambda app: None).openapi()
    return [
        (method.upper(), path.removeprefix(PREFIX), BODIES.get(about["operationId"]))
        for path, methods in document["paths"].items()
        for method, about in methods.items()
        if f"{{{parameter}}}" in path
    ]


async def call(rest: httpx.AsyncClient, method: str, path: str, body: object) -> httpx.Response:
    return await rest.request(method, path.replace("{revision}", "1"), **({} if body is None else {"json": body}))


@pytest.mark.parametrize("parameter", ["execution", "flow_run"])
@pytest.mark.parametrize("text", ["seven", "7", "0192f0c1-2345-7abc-8def-00000000000g"])
async def test_an_id_that_is_no_uuid_is_invalid(rest: httpx.AsyncClient, parameter: str, text: str) -> None:
    found = operations(parameter)
    assert found
    for method, path, body in found:
        answer = await call(rest, method, path.replace(f"{{{parameter}}}", text), body)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), path
        assert answer.json()["errors"] == [{"field": "execution_id", "message": "is not a UUID"}], path


@pytest.mark.parametrize("kind", ["workflow", "schedule", "flow"])
@pytest.mark.parametrize("text", [NOTHING_HAS_THIS, "9" * 5000, "%00", "-1"])
async def test_a_name_that_nothing_can_have_is_not_found(rest: httpx.AsyncClient, kind: str, text: str) -> None:
    found = operations(kind)
    assert found
    for method, path, body in found:
        answer = await call(rest, method, path.replace(f"{{{kind}}}", text), body)
        assert (answer.status_code, answer.json()["code"]) == (404, f"{kind}_not_found"), path


async def test_names_in_queries_and_bodies_are_held_to_the_same_rules(rest: httpx.AsyncClient) -> None:
    schedule = {"workflow": "Not a key!", "cron": "* * * * *"}
    for answer in (
        await rest.get(f"/executions?workflow_id={NOTHING_HAS_THIS}"),
        await rest.get(f"/schedules?workflow_id={NOTHING_HAS_THIS}"),
        await rest.post("/schedules", json=schedule),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "workflow_not_found")
