"""Failures are in the log of a real process: one line each, as JSON and as text, without secrets."""

import re
from pathlib import Path
from typing import Any

import orjson

from app.api.grpc.generated import workflow_pb2 as pb
from app.domain.definitions import RetryPolicy
from tests.support.engine_process import store_workflow, sync, workflow
from tests.support.grpc_server_process import GrpcServerProcess
from tests.support.tenant import place_of_secret

SECRET = "s3cr3t-token"
URL = "http://127.0.0.1:9/${secrets.TOKEN}"
ONCE_MORE = RetryPolicy(max_attempts=2, initial_interval_seconds=0)


async def log_of_a_failure(database_url: str, log: Path, log_format: str) -> tuple[str, str]:
    """The execution's id, and all that the process has written."""
    task = sync("call\nout", 1, type="http", config={"url": URL}, retry=ONCE_MORE)
    await store_workflow(database_url, workflow("orders", (task,), secrets=("TOKEN",)))
    settings = {place_of_secret("TOKEN").variable: SECRET, "HTTP_TASK_ALLOW_PRIVATE": "true", "LOG_FORMAT": log_format}
    server = GrpcServerProcess(database_url, log, **settings)
    try:
        await server.start()
        stream = server.stub.ExecuteWorkflow(pb.ExecuteWorkflowRequest(workflow_id="orders"))
        updates = [update async for update in stream]
        assert updates[-1].status == pb.FAILED
        assert await server.terminate() == 0
    finally:
        await server.close()
    return updates[-1].execution_id, log.read_text()


async def test_failures_are_json_objects_of_one_shape(database_url: str, tmp_path: Path) -> None:
    execution_id, text = await log_of_a_failure(database_url, tmp_path / "log", "json")
    found: list[dict[str, Any]] = [orjson.loads(line) for line in text.splitlines() if "_failed" in line]
    about = {"execution_id": execution_id, "workflow": "orders@1"}
    assert [(line["event"], line["level"], line.get("task"), line.get("attempt")) for line in found] == [
        ("attempt_failed", "info", "call\nout", 1),
        ("attempt_failed", "warning", "call\nout", 2),
        ("execution_failed", "warning", None, None),
    ]
    assert all(line.items() >= about.items() and line["code"] and line["reason"] for line in found)
    assert SECRET not in text


async def test_failures_are_lines_of_text(database_url: str, tmp_path: Path) -> None:
    execution_id, text = await log_of_a_failure(database_url, tmp_path / "log", "console")
    found = [line for line in text.splitlines() if re.search(r"(attempt|execution)_failed", line)]
    assert [line.split("[")[1].split()[0] for line in found] == ["info", "warning", "warning"]
    assert all(f"execution_id={execution_id}" in line and "workflow=orders@1" in line for line in found)
    assert [r"task='call\nout'" in line for line in found] == [True, True, False]
    assert SECRET not in text
