"""What `workflow up` prints when the service is ready."""

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.adapters.database_url import FolderAddress, MemoryAddress, ServerAddress, parse_database_url, place
from app.api.grpc.tls_files import SECURE
from app.cli.screen.console import results
from app.config import Settings

FIRST_EXAMPLE = "parallel-groups"
AS_CALLER = '-H "authorization: Bearer $WORKFLOW_API_KEY"'
METHOD = "workflow.WorkflowService/ExecuteWorkflow"
FIRST_WORKFLOW = {
    "name": "Hello",
    "key": "hello",
    "tasks": [
        {"name": "wait", "execution_type": "sync", "sequence": 1, "type": "delay", "config": {"seconds": 1}},
        {"name": "greet", "execution_type": "sync", "sequence": 2, "type": "log", "config": {"message": "hello"}},
    ],
}


@dataclass(frozen=True, slots=True)
class Ready:
    """What to print.

    rest: the URL of the REST API.
    grpc: `host:port` of the gRPC server.
    with_examples: whether the examples were to be loaded.
    has_example: whether the workflow `FIRST_EXAMPLE` exists.
    is_found: whether commands in this folder find the addresses.
    """

    settings: Settings
    rest: str
    grpc: str
    with_examples: bool
    has_example: bool
    is_found: bool


def greet(ready: Ready) -> None:
    """Print the addresses and commands to paste, each on one line, whatever the terminal's width."""
    say = results().say
    say("")
    say("The workflow service is ready.", style="bold green")
    for name, value in _facts(ready):
        say(f"  {name:<6} {value}")
    say("")
    for purpose, command in _commands(ready):
        say(f"# {purpose}", style="dim")
        say(command)
    say("")
    say("Ctrl-C stops everything.")


def _facts(ready: Ready) -> list[tuple[str, str]]:
    pages = [("pages", f"{ready.rest}/ui/  (watch and control it in a browser)")]
    facts = [
        *(pages if ready.settings.dashboard == "on" else []),
        ("REST", f"{ready.rest}  (try {ready.rest}/docs)"),
        ("gRPC", f"{ready.grpc}{_reflection(ready.settings)}"),
        ("data", _data(ready.settings.database_url)),
        ("cache", _cache(ready.settings.redis_url)),
    ]
    if ready.settings.auth == "on":
        facts.append(("auth", "on: callers need a key  (`workflow auth bootstrap` makes the first one)"))
    return facts if ready.with_examples else [*facts, ("", "without examples  (--examples loads them)")]


def _reflection(settings: Settings) -> str:
    return "" if settings.auth_documentation == "off" else "  (reflection is on)"


def _data(database_url: str) -> str:
    match parse_database_url(database_url):
        case FolderAddress(path):
            return f"{path}  (embedded PostgreSQL)"
        case MemoryAddress():
            return "embedded PostgreSQL in a temporary folder; removed when the service stops"
        case ServerAddress(url):
            return f"PostgreSQL at {place(url)}"


def _cache(redis_url: str | None) -> str:
    if redis_url is None:
        return "in the REST process  (set REDIS_URL to share one)"
    parts = urlsplit(redis_url)
    return f"Redis at {parts.hostname or 'localhost'}:{parts.port or 6379}"


def _commands(ready: Ready) -> list[tuple[str, str]]:
    key = FIRST_EXAMPLE if ready.has_example else str(FIRST_WORKFLOW["key"])
    body = json.dumps(FIRST_WORKFLOW)
    certificate = ready.settings.tls_certificate
    curl = "curl -s" if certificate is None else f"curl -s --cacert {certificate}"
    way = "-plaintext" if certificate is None else f"-cacert {certificate}"
    if ready.settings.auth == "on":
        curl, way = f"{curl} {AS_CALLER}", f"{way} {AS_CALLER}"
    create = f"{curl} {ready.rest}/workflows -H 'content-type: application/json' -d '{body}'"
    request = json.dumps({"workflow_id": key})
    target = "" if ready.is_found else f" --grpc-target {ready.grpc}"
    commands = [
        ("list the workflows", f"{curl} {ready.rest}/workflows"),
        ("run one and watch every step", f"grpcurl {way} -d '{request}' {ready.grpc.removeprefix(SECURE)} {METHOD}"),
        ("the same without grpcurl", f"{program()} run {key}{target}"),
    ]
    return [("create a workflow", create), *commands]


def program() -> str:
    """How to call this command from the working directory, also if its virtual environment is not active."""
    beside = Path(sys.executable).with_name("workflow")
    return "workflow" if shutil.which("workflow") or not beside.exists() else os.path.relpath(beside)
