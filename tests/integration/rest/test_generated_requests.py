"""Generated requests, right and wrong, for every operation of the OpenAPI document: the answers conform to it."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, strategies
from hypothesis import settings as bounded
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.config import Settings
from tests.support.rest_service import serving
from tests.support.tenant import needs_default

EXAMPLES = 8
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MACHINE = {"name": "m", "states": [{"name": "a", "initial": True}, "b"]}
WORKFLOW = {"name": "n", "key": "k", "tasks": [{"name": "t", "execution_type": "sync", "retry": {"max_attempts": 2}}]}
FLOW = WORKFLOW | {"key": "f", "start_task": "t"}


class Service:
    """The application on an event loop of its own, since generated tests are not asynchronous."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._runner = stack.enter_context(asyncio.Runner())
        context = serving(settings)
        self.client = self._runner.run(context.__aenter__())
        stack.callback(lambda: self._runner.run(context.__aexit__(None, None, None)))
        self.schema = schemathesis.openapi.from_dict(self.call("GET", "/openapi.json").json())
        self.known: dict[str, str] = {}

    def call(self, method: str, url: str, **options) -> httpx.Response:
        return self._runner.run(self.client.request(method, url, **options))

    def provide(self) -> None:
        """Make sure that there is something to find; an earlier request may have deleted it."""
        if self.call("GET", "/workflows/k").status_code == 404:
            self.call("POST", "/workflows", json=WORKFLOW)
        workflow = self.call("GET", "/workflows/k").json()
        if not workflow["tasks"]:
            workflow = self.call("PUT", "/workflows/k", json=WORKFLOW).json()
        execution = self.call("POST", "/workflows/k/executions", json={"idempotency_key": "once"}).json()
        if self.call("GET", "/schedules/s").status_code == 404:
            self.call("POST", "/schedules", json={"workflow": "k", "key": "s", "cron": "0 0 1 1 *"})
        if self.call("GET", "/flows/f").status_code == 404:
            self.call("POST", "/workflows", json=FLOW)
        flow_run = self.call("POST", "/workflows/f/executions", json={"idempotency_key": "once"}).json()
        self.call("POST", "/trigger", json={"workflow_id": "k", "run_id": "r"})
        entity = self.an_entity()
        task_id = str(workflow["tasks"][0]["id"])
        self.known = {"workflow": "k", "task": task_id, "execution": execution["id"], "revision": "1", "schedule": "s"}
        self.known |= {
            "tenant": "default",
            "flow": "f",
            "flow_run": flow_run["id"],
            "run": "r",
            "key_id": self.a_valid_key(),
            "machine": "m",
            "entity": entity,
            "engine": "1",
            "agent": "1",
            "suggestion": self.an_open_suggestion(),
            "suggestion_id": self.an_open_suggestion(),
        }

    def an_open_suggestion(self) -> str:
        found = self.call("GET", "/suggestions?status=open&workflow_id=k").json()["items"]
        advice = {"workflow": "k", "title": "Think again"}
        made = found[0] if found else self.call("POST", "/suggestions", json=advice).json()
        return str(made["id"])

    def an_entity(self) -> str:
        if self.call("GET", "/machines/m").status_code == 404:
            self.call("POST", "/machines", json=MACHINE)
        body = {"machine": "m", "entity_table": "t", "entity_id": "once", "idempotency_key": "once"}
        return str(self.call("POST", "/entities", json=body).json()["id"])

    def a_valid_key(self) -> str:
        valid = [key for key in self.call("GET", "/keys").json()["items"] if key["revoked_at"] is None]
        made = valid[0] if valid else self.call("POST", "/keys", json={"name": "k", "role": "viewer"}).json()
        return str(made["id"])


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    with ExitStack() as stack:
        yield Service(settings, stack)


def send(service: Service, case: schemathesis.Case) -> httpx.Response:
    if isinstance((case.query or {}).get("wait"), int | float):
        case.query["wait"] = 0.01
    if case.path.endswith("/flow/run"):
        case.query = {"wait": 0.01, **(case.query or {})}
    prepared = requests.Request(**case.as_transport_kwargs(base_url="http://localhost")).prepare()
    if case.path.endswith("/stream"):
        head = service.call("HEAD", prepared.url, headers=dict(prepared.headers))
        if head.status_code == 200:
            return head  # the stream has no end
    return service.call(prepared.method, prepared.url, content=prepared.body, headers=dict(prepared.headers))


def check_answers(service: Service, cases: strategies.SearchStrategy[schemathesis.Case]) -> None:
    @bounded(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, meets_something=strategies.booleans())
    def check(case: schemathesis.Case, meets_something: bool) -> None:
        if meets_something:
            service.provide()
            case.path_parameters = {name: service.known[name] for name in case.path_parameters or {}}
        case.validate_response(send(service, case), checks=CHECKS)

    check()


@needs_default("a generated request may revoke the key of the tests")
def test_answers_conform_to_the_document(service: Service):
    operations = [result.ok() for result in service.schema.get_all_operations()]
    assert len(operations) == 128
    for operation in operations:
        check_answers(service, operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
        with suppress(Unsatisfiable):  # an operation that takes any text cannot be called wrongly
            check_answers(service, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
