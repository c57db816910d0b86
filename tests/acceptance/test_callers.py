"""Who calls, on real processes: the first key, every command with a key, and a revocation that ends what lasts."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import grpc
import httpx
import pytest
from typer.testing import CliRunner, Result

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli import app
from tests.support.callers import bearer, metadata
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.migrating import ask
from tests.support.ports import free_port
from tests.support.rest_server_process import RestServerProcess, listens
from tests.support.server_process import REPOSITORY, ServerProcess
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own tenants and keys")


class UvicornProcess(ServerProcess):
    """`uvicorn app.main:app` on every address."""

    def __init__(self, database_url: str, **settings: str) -> None:
        port = free_port()
        command = (sys.executable, "-m", "uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", str(port))
        super().__init__(command, port, None, DATABASE_URL=database_url, **settings)

    async def _answers(self) -> bool:
        return await listens(self.port)


def own_address() -> str:
    """An address of this machine that others may reach. Nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("203.0.113.1", 9))
        except OSError:
            pytest.skip("this machine has a loopback address only")
        return str(probe.getsockname()[0])


WORKFLOW = {
    "name": "slow",
    "key": "slow",
    "tasks": [{"name": "wait", "execution_type": "sync", "type": "delay", "config": {"seconds": 3600}}],
}
LONGEST_WAIT = 60


@dataclass
class Service:
    """Two gRPC processes and a REST process on one database, with authentication on."""

    database_url: str
    rest: RestServerProcess
    grpc: tuple[GrpcServerProcess, GrpcServerProcess]
    logs: list[Path]

    def command(self, *words: str, key: str = "") -> Result:
        """The command within the test's process, since a process of its own takes a second to start."""
        environment = {
            "DATABASE_URL": self.database_url,
            "WORKFLOW_API_KEY": key,
            "WORKFLOW_REST_URL": self.rest.url.removesuffix("/api/v1"),
            "WORKFLOW_GRPC_TARGET": f"127.0.0.1:{self.grpc[0].port}",
        }
        return CliRunner(env=environment).invoke(app, list(words), catch_exceptions=False)

    async def run(self, *words: str, key: str = "") -> str:
        """The output of a command that succeeds."""
        done = await asyncio.to_thread(self.command, *words, key=key)
        assert done.exit_code == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
async def service(database_url: str, redis_url: str, tmp_path: Path) -> AsyncIterator[Service]:
    logs = [tmp_path / f"{name}.log" for name in ("rest", "one", "other")]
    on = {"AUTH": "on"}
    servers = (
        RestServerProcess(database_url, redis_url, logs[0], **on),
        GrpcServerProcess(database_url, logs[1], **on),
        GrpcServerProcess(database_url, logs[2], **on),
    )
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_callback(server.close)
            await server.start()
        yield Service(database_url, servers[0], servers[1:], logs)


async def until_it_ends(stream) -> grpc.StatusCode:
    try:
        while await stream.read() is not grpc.aio.EOF:
            pass
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.mark.slow
async def test_a_revoked_key_ends_everywhere_what_it_has_begun(service: Service):
    admin = await service.run("auth", "bootstrap")
    refused = await asyncio.to_thread(service.command, "auth", "bootstrap")
    assert refused.exit_code == 2
    assert "has a key with the role admin already" in refused.stderr

    key = await service.run("auth", "keys", "create", "watcher", "--role", "operator", key=admin)
    async with httpx.AsyncClient(base_url=service.rest.url, timeout=2 * LONGEST_WAIT) as client:
        assert (await client.post("/workflows", json=WORKFLOW, headers=bearer(key))).status_code == 403
        assert (await client.post("/workflows", json=WORKFLOW, headers=bearer(admin))).status_code == 201
        started = await client.post("/workflows/slow/executions", json={}, headers=bearer(key))
        request = pb.WatchExecutionRequest(execution_id=started.json()["id"])
        streams = [server.stub.WatchExecution(request, metadata=metadata(key)) for server in service.grpc]
        for stream in streams:
            assert (await stream.read()).sequence == 1
        path = f"/workflows/slow/executions?wait={LONGEST_WAIT}"
        waiting = asyncio.create_task(client.post(path, json={}, headers=bearer(key)))
        executions: list[dict] = []
        while len(executions) < 2:
            executions = (await client.get("/executions", headers=bearer(key))).json()["items"]

        listed = await service.run("auth", "keys", "list", "--json", key=admin)
        (key_id,) = [line.split('"id": ')[1].split(",")[0] for line in listed.splitlines() if "watcher" in line]
        await service.run("auth", "keys", "revoke", key_id, key=admin)

        assert [await until_it_ends(stream) for stream in streams] == [grpc.StatusCode.UNAUTHENTICATED] * 2
        ended = await waiting
        assert (ended.status_code, ended.json()["code"]) == (401, "credentials_expired")
        again = await client.get("/me", headers=bearer(key))
        assert (again.status_code, again.json()["code"]) == (401, "credentials_expired")
        for server in service.grpc:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await server.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=metadata(key))
            assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        statuses = (await client.get("/executions", headers=bearer(admin))).json()["items"]
        assert [execution["status"] for execution in statuses] == ["running"] * 2, "what it has started continues"

    written = b"".join(log.read_bytes() for log in service.logs)
    stored = [str(dict(row)) for row in await ask(service.database_url, "SELECT * FROM api_keys")]
    for text in (admin, key):
        secret = text.split("_", 2)[2]
        assert secret.encode() not in written
        assert not any(secret in row for row in stored)


@pytest.mark.slow
async def test_every_command_sends_the_key_and_says_what_to_do_without_one(service: Service, tmp_path: Path):
    admin = await service.run("auth", "bootstrap")
    viewer = await service.run("auth", "keys", "create", "viewer", "--role", "viewer", key=admin)
    file = tmp_path / "log.yaml"
    file.write_text(
        "name: Log\nkey: log\ntasks:\n- {name: say, execution_type: sync, type: log, config: {message: hi}}\n"
    )
    assert "log" in await service.run("apply", str(file), key=admin)
    assert "completed" in await service.run("run", "log", key=admin)
    assert "log" in await service.run("list", key=viewer)
    assert "bootstrap" in await service.run("auth", "keys", "list", key=admin)
    said = {
        ("workflows",): "set WORKFLOW_API_KEY",
        ("list",): "set WORKFLOW_API_KEY",
        ("run", "log"): "set WORKFLOW_API_KEY",
    }
    for words, sentence in said.items():
        done = await asyncio.to_thread(service.command, *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert sentence in done.stderr
    for words in (("run", "log"), ("delete", "log"), ("auth", "keys", "list")):
        done = await asyncio.to_thread(service.command, *words, key=viewer)
        assert done.exit_code == 2
        assert "lacks" in done.stderr, words
    done = await asyncio.to_thread(service.command, "list", key="wfk_wrong")
    assert "check WORKFLOW_API_KEY" in done.stderr
    tenants = await asyncio.to_thread(service.command, "auth", "tenants", "list", key=admin)
    assert "lacks tenants:manage, which the role system has" in tenants.stderr
    system = await service.run("auth", "bootstrap", "--role", "system")
    await service.run("auth", "tenants", "create", "sales", "Sales", key=system)
    limits = ("auth", "tenants", "limit", "sales")
    limited = await service.run(*limits, "--running", "5", "--definitions", "20", key=system)
    assert limited == "tenant sales: 5 running, 20 definitions"
    assert await service.run(*limits, "--running", "none", key=system) == "tenant sales: 20 definitions"
    wrong = await asyncio.to_thread(service.command, *limits, "--starts", "few", key=system)
    assert "'few' is not a limit: give a number, or none for no limit" in wrong.stderr
    nothing = await asyncio.to_thread(service.command, *limits, key=system)
    assert "give a limit: --running, --starts or --definitions" in nothing.stderr
    assert await service.run("auth", "tenants", "suspend", "sales", key=system) == "tenant sales is suspended"
    assert "20 definitions" in await service.run("auth", "tenants", "list", key=system)
    assert "not suspended any more" in await service.run("auth", "tenants", "resume", "sales", key=system)
    rotated = await service.run("auth", "keys", "rotate", "2", key=admin)
    assert "log" in await service.run("list", key=rotated)
    assert "log" in await service.run("list", key=viewer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "setting"),
    [
        (("-m", "app.main"), "FASTAPI_HOST"),
        (("run_grpc_server.py",), "GRPC_HOST"),
        (("run_grpc_server.py", "--workers=2"), "GRPC_HOST"),
        (("-m", "app.cli", "up"), "FASTAPI_HOST"),
        (("-m", "app.cli", "up"), "GRPC_HOST"),
    ],
)
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_process_does_not_let_everyone_in_on_an_address_that_others_reach(words, setting: str, host: str, tmp_path):
    environment = os.environ | {"DATABASE_URL": f"file:{tmp_path / 'data'}", setting: host}
    done = subprocess.run(
        [sys.executable, *words], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert f"{setting} is '{host}', which others can reach, and AUTH is off" in done.stderr
    assert "AUTH=on" in done.stderr
    assert "AUTH=off-on-every-address" in done.stderr
    assert not (tmp_path / "data").exists(), "nothing was started"


@pytest.mark.slow
async def test_uvicorn_itself_does_not_let_everyone_in_either(database_url: str):
    """Where it listens is uvicorn's own option, so each request is asked where it has arrived."""
    address, server = own_address(), UvicornProcess(database_url, ALLOWED_HOSTS="*")
    try:
        await server.start()
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(f"http://127.0.0.1:{server.port}/me")).status_code == 200
            for path in ("/me", "/healthz", "/nothing"):
                refused = await client.get(f"http://{address}:{server.port}{path}")
                assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied"), path
            assert f"listens on {address}" in refused.json()["detail"]
    finally:
        await server.close()


@pytest.mark.slow
async def test_deliberately_it_does(database_url: str, redis_url: str):
    server = RestServerProcess(database_url, redis_url, FASTAPI_HOST="0.0.0.0", AUTH="off-on-every-address")
    try:
        await server.start()
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.get("/me")).json()["principal"] == "anonymous"
    finally:
        await server.close()
