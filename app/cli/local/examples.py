"""Loads the definitions under `examples/` of a checkout, for `workflow up`: each one once in the life of a tenant.

A key that a workflow or machine of the tenant has ever had is not loaded again, so that what a user has changed or
deleted stays as it is.
"""

from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import httpx

import app
from app.cli.files.applying import refused, tell
from app.cli.files.definition_files import Definition, read_definitions
from app.cli.files.drafts import applied, draft_of
from app.client.machine_client import MachineClient
from app.client.rest_client import RestClient, ServiceRefusal
from app.config import Settings
from app.domain.documents import workflow_from_document
from app.domain.errors import Problem

FOLDER = Path(app.__path__[0]).parent / "examples"
LOADED_FIRST = ("parallel-groups", "price-item")
"""The one that a new user starts as workflow 1, which should succeed, and one that another example starts."""
WRITTEN_ADDRESS = "http://127.0.0.1:8000"
"""The address of the REST API in the files of the examples."""


CALLS_OWN_API = "self-check"
KEY_SECRET = "SELF_CHECK_KEY"
"""The secret with the API key of the example that calls this service, while that asks who calls."""


def example_settings(settings: Settings) -> Mapping[str, str]:
    """The settings that the examples need in addition to `settings`."""
    functions = [f"examples.{path.parent.name}.functions" for path in sorted(FOLDER.glob("*/functions.py"))]
    return {
        "PYTHON_MODULES": ",".join(dict.fromkeys((*settings.function_modules, *functions))),
        "HTTP_TASK_OWN_API_WORKFLOWS": ",".join(sorted({*settings.own_api_workflows, CALLS_OWN_API})),
    }


def example_definitions() -> Mapping[str, Definition]:
    """The examples by key, in the order in which they are loaded. An installed package has none."""
    found = {definition.key: definition for definition in read_definitions(sorted(FOLDER.rglob("*.yaml")))}
    return {key: found[key] for key in dict.fromkeys((*LOADED_FIRST, *found)) if key in found}


def tenant_of(rest_url: str) -> str:
    """The key of the tenant in which the examples are created. Raise `ClientError` when the service does not say."""
    with RestClient(rest_url) as service:
        return service.tenant()


def load_examples(
    rest_url: str, used: Set[str] = frozenset(), last_rest_url: str | None = None, *, with_key: bool = False
) -> list[str]:
    """Create the examples whose key is not in `used`; return the keys of those that were created.

    An example that calls this service gets its new address if it is as it was loaded when the address was
    `last_rest_url`, and with `with_key` it sends an API key. Raise `ClientError` when the service does not respond.
    """
    with RestClient(rest_url) as service:
        definitions, here = example_definitions(), _Called(rest_url, with_key)
        if last_rest_url is not None:
            for key in (key for key in used & definitions.keys() if not definitions[key].is_machine):
                _refit(service, definitions[key], last_rest_url, here)
        return [key for key, one in definitions.items() if key not in used and _create(service, one, here)]


class _Called(NamedTuple):
    """How an example calls this service.

    address: of the REST API.
    with_key: whether it sends the API key in the secret `KEY_SECRET`.
    """

    address: str
    with_key: bool


def _create(service: RestClient, definition: Definition, called: _Called) -> bool:
    """Whether it was created. One that is refused is reported; one that exists is left alone."""
    try:
        if definition.is_machine:
            MachineClient(service).create_machine(definition.request)
        else:
            service.create_workflow(_fitted(definition, called).request)
    except ServiceRefusal as refusal:
        if refusal.status != httpx.codes.CONFLICT:
            tell(refused(definition, refusal.problems or (Problem("", refusal.message),)))
        return False
    return True


def _refit(service: RestClient, definition: Definition, last_address: str, now: _Called) -> None:
    before = (_fitted(definition, _Called(last_address, with_key)) for with_key in (False, True))
    fitted = _fitted(definition, now)
    others = [draft_of(loaded) for loaded in before if loaded != fitted]
    if not others:
        return
    found = service.find_workflow(definition.key)
    stored = None if found is None else workflow_from_document(found)
    if stored is not None and any(applied(stored, draft) is stored for draft in others):
        service.replace_workflow(definition.key, fitted.request)


def _fitted(definition: Definition, called: _Called) -> Definition:
    """The definition with the address that the REST API really has, and with a key if that is needed."""
    document = definition.document
    if called.with_key and definition.key == CALLS_OWN_API:
        document = _with_key(document)
    return replace(definition, document=_readdressed(document, called.address))


def _with_key(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document whose `http` tasks send the key."""
    headers = {"Authorization": f"Bearer ${{secrets.{KEY_SECRET}}}"}
    tasks = [
        task | {"config": task["config"] | {"headers": headers}} if task.get("type") == "http" else task
        for task in document["tasks"]
    ]
    return {**document, "secrets": [KEY_SECRET], "tasks": tasks}


def _readdressed(value: Any, rest_url: str) -> Any:
    if isinstance(value, dict):
        return {name: _readdressed(child, rest_url) for name, child in value.items()}
    if isinstance(value, list):
        return [_readdressed(child, rest_url) for child in value]
    if isinstance(value, str) and value.startswith(WRITTEN_ADDRESS):
        return rest_url + value.removeprefix(WRITTEN_ADDRESS)
    return value
