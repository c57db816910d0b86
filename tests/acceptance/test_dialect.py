"""The sample calls of docs/dialects.md, as they are written there, against `workflow up`."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.acceptance.test_up import PATIENCE_SECONDS, running
from tests.support.processes import REPOSITORY
from tests.support.tenant import needs_default

pytestmark = needs_default("starts the service on an empty database, which has no key")

PAGE = REPOSITORY / "docs" / "dialects.md"
SERVICE, TARGET = "http://127.0.0.1:8000", "https://example.org"
OF_RUNS, OF_DASHBOARDS = 0, 2
FINAL = ("success", "failed", "cancelled")


@contextmanager
def target() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that takes all calls: its address, and what was sent to it."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append({"path": self.path, "type": self.headers["Content-Type"], "body": body})
            answer = json.dumps({"json": body}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", received
        finally:
            server.shutdown()
            thread.join()


def sample_calls(number: int) -> list[str]:
    """The commands of a block of the page, counted from 0."""
    block = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[number]
    return [f"curl {call}" for call in block.split("curl ")[1:]]


def called(command: str, folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        command, shell=True, cwd=folder, capture_output=True, text=True, check=True, timeout=PATIENCE_SECONDS
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_sample_calls_work_as_they_are_written(tmp_path: Path) -> None:
    with target() as (address, received), running(tmp_path, HTTP_TASK_ALLOW_PRIVATE="true") as up:
        calls = [call.replace(SERVICE, up.rest).replace(TARGET, address) for call in sample_calls(OF_RUNS)]
        create, trigger, read = (call.replace("curl ", "curl -s ", 1) for call in calls)
        created = called(create, tmp_path)
        assert created["key"] == "my-workflow"
        assert [step["name"] for step in created["steps"]] == ["delay", "notify"]

        triggered = called(trigger, tmp_path)
        assert triggered == {"run_id": triggered["run_id"], "status": "triggered"}
        read = re.sub(r"<run_id>", triggered["run_id"], read)
        assert triggered["run_id"] in read
        while (run := called(read, tmp_path))["status"] not in FINAL:
            assert run["status"] in ("pending", "running")
            time.sleep(0.1)
        assert (run["status"], run["payload"], run["error"]) == ("success", {"user": "demo"}, None)
        assert run["workflow_id"] == created["id"]
        assert {name: step["status"] for name, step in run["step_results"].items()} == {
            "delay": "success",
            "notify": "success",
        }
        message = {"message": "Hello from workflow!"}
        assert run["step_results"]["notify"]["output"]["body"] == {"json": message}
        assert received == [{"path": "/post", "type": "application/json", "body": message}]
        assert [one["uuid"] for one in called(f"curl -s {up.rest}/api/v1/runs", tmp_path)["items"]] == [run["uuid"]]


def test_so_do_those_of_dashboards(tmp_path: Path) -> None:
    with running(tmp_path) as up:
        calls = [call.replace(SERVICE, up.rest).replace("curl ", "curl -s ", 1) for call in sample_calls(OF_DASHBOARDS)]
        health, create, tasks, agents = (called(call, tmp_path) for call in calls)
        assert (health["status"], health["checks"]["engines"]["online"]) == ("healthy", 1)
        assert [task["name"] for task in create["tasks"]] == ["fetch", "review"]
        assert [task["priority"] for task in create["tasks"]] == [None, "high"]
        assert (tasks["skip"], tasks["limit"], tasks["total_is_exact"]) == (0, 20, True)
        assert [agent["status"] for agent in agents["items"]] == ["online"]
