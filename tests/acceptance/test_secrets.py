"""Five secrets go through real processes by every way there is, and nothing that is stored, sent or logged has them."""

import base64
import json
from asyncio import StreamWriter, start_server
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import asyncpg
import httpx
import pytest

from app.adapters.database_url import driver_dsn
from app.api.grpc.generated import workflow_pb2 as pb
from tests.integration.tasks.site import Call, Site, answer
from tests.support.clients import rest_client
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.leaking_functions import MARK
from tests.support.rest_server_process import RestServerProcess
from tests.support.tenant import place_of_secret

KEY_LINES = [f"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj{line:02}AgEAAoIBAQC7VJTUt9Us" for line in range(20)]
SECRETS = {
    "PLAIN": "s3cr3t-token-4711",
    "QUOTED": """it's "quo\\ted" & 100% </b> a+b/c=d?""",
    "MULTI": "\n".join(["-----BEGIN PRIVATE KEY-----", *KEY_LINES, "q83vEjRWeJA=", "-----END PRIVATE KEY-----"]),
    "UNICODE": "Schlüssel-пароль-🔑-\u2028-ende",
}
SHORT = "ζξψ"
NAMES = [*SECRETS, "SHORT"]
ALL = {name: f"${{secrets.{name}}}" for name in SECRETS}


def calls(function: str, **options: Any) -> dict[str, Any]:
    return {"type": "python", "config": {"function": function, "arguments": {"secrets": ALL}}, **options}


def fails(**fields: Any) -> dict[str, Any]:
    return {"on_failure": "continue", **fields}


def tasks(site: Site) -> list[dict[str, Any]]:
    """Every way by which a secret can reach a history or a log."""
    headers = {name: f"${{url_encode(secrets.{name})}}" for name in SECRETS}
    echoed = {"method": "POST", "headers": headers, "body": ALL}
    heavy = "${input.many.map(n, secrets.PLAIN + string(n)).filter(t, t.endsWith('7'))}"
    found: list[dict[str, Any]] = [
        {
            "name": "logged",
            "type": "log",
            "config": {"message": f"{MARK}message {' '.join(ALL.values())}", "fields": ALL},
        },
        {"name": "returned", **calls("leak_output")},
        {"name": "raised", **fails(**calls("leak_error"))},
        {"name": "reported", **calls("leak_progress")},
        {"name": "written", **calls("leak_log")},
        {"name": "echoed", "type": "http", "config": {"url": site.url("/echo"), **echoed}},
        {"name": "refused", **fails(type="http", config={"url": site.url("/refused"), **echoed})},
        {"name": "no host", **fails(type="http", config={"url": "http://127.0.0.1:1/${url_encode(secrets.QUOTED)}"})},
        {"name": "bad url", **fails(type="http", config={"url": "${secrets.UNICODE}"})},
        {"name": "bad name", **fails(type="python", config={"function": "${secrets.PLAIN}"})},
        {
            "name": "each",
            "type": "python",
            "for_each": "[secrets.PLAIN, secrets.QUOTED, secrets.MULTI, secrets.UNICODE]",
            "config": {"function": "leak_item", "arguments": {"value": "${item}"}},
        },
        {"name": "heavy", "type": "python", "config": {"function": "leak_item", "arguments": {"value": f"x{heavy}"}}},
        {"name": "no value", **fails(type="log", config={"message": "${{'a': 1}[secrets.PLAIN]}"})},
        {"name": "no number", **fails(type="log", config={"message": "${int(secrets.UNICODE)}"})},
        {
            "name": "when",
            "type": "log",
            "when": "secrets.MULTI.contains('KEY')",
            "config": {"message": "${secrets.MULTI}"},
        },
        {"name": "short", **fails(type="log", config={"message": "${secrets.SHORT}"})},
        {"name": "child", **fails(type="workflow", config={"workflow": "child", "input": "${tasks.returned.output}"})},
    ]
    return [{"execution_type": "sync", "sequence": number, **task} for number, task in enumerate(found)]


def definitions(site: Site) -> list[dict[str, Any]]:
    child = [{"name": "raised", "execution_type": "sync", **calls("leak_error")}]
    return [
        {"name": "child", "key": "child", "secrets": list(SECRETS), "tasks": child},
        {"name": "parent", "key": "parent", "secrets": NAMES, "tasks": tasks(site)},
    ]


@dataclass
class House:
    """Both processes, and all that they have said."""

    rest: httpx.AsyncClient
    grpc: GrpcServerProcess
    said: dict[str, list[str]] = field(default_factory=dict)

    async def get(self, path: str) -> Any:
        response = await self.rest.get(path)
        assert response.is_success, response.text
        self.said.setdefault("REST", []).append(response.text)
        return response.json()

    def keep_updates(self, *updates: Any) -> None:
        """As bytes, and as the texts in them."""
        found = self.said.setdefault("gRPC", [])
        for update in updates:
            found += [update.SerializeToString().decode("utf-8", "replace"), str(update)]
            found += [value for _, value in update.ListFields() if isinstance(value, str)]


async def echo(status: int, call: Call, writer: StreamWriter) -> None:
    """Send everything back: the body as it came, the headers as they are, and as basic authentication has them."""
    basic = base64.b64encode(f"user:{SECRETS['QUOTED']}".encode()).decode()
    document = {"headers": call.headers, "basic": basic, "mark": f"{MARK}echoed", "body": json.loads(call.body)}
    content = json.dumps(document).encode() if status == 200 else f"{MARK}refused {SECRETS['MULTI']}".encode()
    writer.write(answer(status, content, {"Content-Type": "application/json", "X-Sent": call.headers["plain"]}))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    found = Site(
        {
            "/echo": lambda call, writer: echo(200, call, writer),
            "/refused": lambda call, writer: echo(400, call, writer),
        }
    )
    async with await start_server(found.serve, "127.0.0.1", 0) as server:
        found.port = server.sockets[0].getsockname()[1]
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the secrets that are files."""
    found = tmp_path / "secrets"
    (found / place_of_secret("SHORT").file).parent.mkdir(parents=True)
    for name in ("QUOTED", "MULTI", "UNICODE"):
        (found / place_of_secret(name).file).write_text(SECRETS[name] + "\n", encoding="utf-8")
    (found / place_of_secret("SHORT").file).write_text(SHORT, encoding="utf-8")
    return found


@pytest.fixture(params=["json", "console"])
async def house(
    request: pytest.FixtureRequest, database_url: str, redis_url: str, folder: Path, tmp_path: Path
) -> AsyncIterator[House]:
    settings = {
        "SECRETS_FOLDER": str(folder),
        place_of_secret("PLAIN").variable: SECRETS["PLAIN"],
        "PYTHON_MODULES": "tests.support.leaking_functions",
        "HTTP_TASK_ALLOW_PRIVATE": "true",
        "LOG_FORMAT": request.param,
    }
    rest = RestServerProcess(database_url, redis_url, tmp_path / "rest.log", **settings)
    grpc = GrpcServerProcess(database_url, tmp_path / "grpc.log", **settings)
    try:
        await rest.start()
        await grpc.start()
        async with rest_client(base_url=rest.url, timeout=60) as client:
            yield House(client, grpc)
    finally:
        await rest.close()
        await grpc.close()


async def run_everything(house: House, site: Site) -> dict[str, Any]:
    """The tasks of the parent's execution by name, after everything was read in every way."""
    for definition in definitions(site):
        response = await house.rest.post("workflows", json=definition)
        assert response.status_code == 201, response.text
        await house.get(f"workflows/{response.json()['id']}")
    started = await house.grpc.stub.StartWorkflow(
        pb.StartWorkflowRequest(workflow_id="parent", input=json.dumps({"many": list(range(3_000))}))
    )
    watched = house.grpc.stub.WatchExecution(pb.WatchExecutionRequest(execution_id=started.execution_id))
    house.keep_updates(*[update async for update in watched])
    children = (await house.get(f"executions?parent={started.execution_id}"))["items"]
    for execution in (started.execution_id, *(child["id"] for child in children)):
        await house.get(f"executions/{execution}")
        await house.get(f"executions/{execution}/events?limit=1000")
        request = pb.GetWorkflowStatusRequest(execution_id=execution)
        house.keep_updates(await house.grpc.stub.GetWorkflowStatus(request))
    assert len(children) == 1
    return {task["name"]: task for task in (await house.get(f"executions/{started.execution_id}/tasks"))["items"]}


async def rows_of(database_url: str) -> list[str]:
    """Every row of every table, as text."""
    connection = await asyncpg.connect(driver_dsn(database_url))
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        rows = [await connection.fetch(f'SELECT t::text AS row FROM "{name}" t') for (name,) in tables]
        return [record["row"] for found in rows for record in found]
    finally:
        await connection.close()


def written(secret: str) -> Iterator[str]:
    """What must not be found: the forms of a secret, made without the service."""
    for line in [secret, *(line for line in secret.splitlines() if len(line) >= 16 and "-----" not in line)]:
        yield from (line, repr(line)[1:-1], ascii(line)[1:-1], quote(line), quote(line, safe=""), quote_plus(line))
        yield from (json.dumps(line)[1:-1], json.dumps(line, ensure_ascii=False)[1:-1])
        yield json.dumps(json.dumps(line))[3:-3]
        for before in range(3):
            # The characters that are made of the secret alone; those at its ends depend on what stands beside it.
            encoded = base64.b64encode(bytes(before) + line.encode())
            own = encoded[4 * (before > 0) : len(encoded) - 4].decode()
            yield from (own, own.translate({43: "-", 47: "_"}), quote(own, safe=""))


def leaks(texts: list[str]) -> list[str]:
    """What of the secrets is in the texts, which also have the text before it."""
    every = "\n".join(texts)
    found = {form for secret in (*SECRETS.values(), SHORT) for form in written(secret) if form in every}
    return [every[max(0, every.index(form) - 200) : every.index(form) + len(form)] for form in found]


async def test_no_secret_is_stored_sent_or_logged(
    house: House, site: Site, database_url: str, folder: Path, tmp_path: Path
) -> None:
    ended = await run_everything(house, site)
    assert await house.grpc.terminate() == 0

    refused = {name: task["error"]["code"] for name, task in ended.items() if task["status"] == "failed"}
    assert refused == {
        "raised": "python_error",
        "refused": "http_status",
        "no host": "http_connection",
        "bad url": "invalid_config",
        "bad name": "invalid_config",
        "no value": "expression_failed",
        "no number": "expression_failed",
        "short": "expression_failed",
        "child": "child_failed",
    }
    assert all(task["status"] == "completed" for name, task in ended.items() if name not in refused)
    assert "secret 'SHORT' has fewer than 4 characters" in ended["short"]["error"]["message"]
    # The secrets did arrive where they were to be used.
    (sent, _) = site.calls
    assert json.loads(sent.body) == SECRETS
    assert sent.headers["unicode"] == quote(SECRETS["UNICODE"], safe="")

    files = [file for file in tmp_path.rglob("*") if file.is_file() and folder not in file.parents]
    logs = [file.read_text() for file in files]
    assert "%d format" in "".join(logs), "a record that cannot be written was reported"
    rows = await rows_of(database_url)
    for texts, marks in (
        (rows, ["output", "error", "progress", "item", "echoed", "refused"]),
        (logs, ["message", "error", "logged", "fields", "refused"]),
        (house.said["REST"], ["output", "error", "item", "echoed", "refused"]),
        (house.said["gRPC"], ["output", "error", "item", "echoed", "refused"]),
    ):
        assert [mark for mark in marks if MARK + mark not in "\n".join(texts)] == []
        assert "***" in "\n".join(texts)
        assert leaks(texts) == []
