"""Starts `make run` on free ports and uses it as a stranger would: curl's requests, grpcurl, the CLI, Ctrl-C."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


class Service:
    """`make run` in a process group of its own, with its data in a folder that is gone afterwards."""

    def __init__(self, folder: str) -> None:
        self.rest, self.grpc = free_port(), free_port()
        self.environment = os.environ | {
            "FASTAPI_PORT": str(self.rest),
            "GRPC_PORT": str(self.grpc),
            "DATABASE_URL": f"file:{folder}",
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        began = time.monotonic()
        self.process = subprocess.Popen(["make", "run"], cwd=REPOSITORY, env=self.environment, start_new_session=True)
        while time.monotonic() < began + START_SECONDS:
            if self.process.poll() is not None:
                raise SystemExit(f"make run ended with {self.process.returncode}")
            if self.answer("/readyz")[0] == 200:
                return time.monotonic() - began
            time.sleep(0.1)
        raise SystemExit(f"make run did not answer /readyz within {START_SECONDS} s")

    def stop(self) -> None:
        """As Ctrl-C does: to every process of the terminal's group."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(30)

    def answer(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest}{path}", method=method)
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, data, timeout=10) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
        except OSError:
            return 0, None

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )

    def workflow(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(".venv/bin/workflow", *arguments)

    def execute(self, ref: str) -> list[dict[str, Any]]:
        """The updates of ExecuteWorkflow, through grpcurl where it is, else through the CLI."""
        if shutil.which("grpcurl"):
            target = f"127.0.0.1:{self.grpc}"
            method = "workflow.WorkflowService/ExecuteWorkflow"
            answer = self.run("grpcurl", "-plaintext", "-d", json.dumps({"workflow_id": ref}), target, method)
            return concatenated(answer.stdout)
        return [json.loads(line) for line in self.workflow("run", ref, "--json").stdout.splitlines()]


def concatenated(text: str) -> list[dict[str, Any]]:
    """The JSON objects that grpcurl writes one after another."""
    decoder, values, position = json.JSONDecoder(), [], 0
    while position < len(text.rstrip()):
        value, position = decoder.raw_decode(text, position + len(text[position:]) - len(text[position:].lstrip()))
        values.append(value)
    return values


def expect(what: str, wanted: object, seen: object) -> None:
    if wanted != seen:
        raise SystemExit(f"FAILED: {what}: wanted {wanted!r}, saw {seen!r}")
    say(f"ok: {what}")


def drive(service: Service) -> None:
    body = {"name": "From outside", "key": "from-outside", "tasks": [{"name": "hello", "execution_type": "sync"}]}
    status, created = service.answer("/workflows/", "POST", body)
    expect("POST /workflows/", 201, status)
    expect("GET by key", created["id"], service.answer("/api/v1/workflows/from-outside")[1]["id"])
    task = {"name": "later", "execution_type": "async", "sequence": 2, "type": "delay", "config": {"seconds": 0.1}}
    expect("POST a task", 201, service.answer(f"/workflows/{created['id']}/tasks", "POST", task)[0])
    expect("a cached read shows the change", 2, len(service.answer("/workflows/from-outside")[1]["tasks"]))
    updates = service.execute("from-outside")
    expect("numbers are gapless", list(range(1, 8)), [int(update["sequence"]) for update in updates])
    expect("the stream ends", "completed", updates[-1]["status"].lower())  # grpcurl shouts, the CLI does not
    expect("a hostile body", 422, service.answer("/workflows", "POST", {"name": "a\0b"})[0])
    expect("the service lives", 200, service.answer("/readyz")[0])
    for key, code in (("sales-report", 0), ("self-check", 0), ("parallel-groups", 0), ("flaky-import", 1)):
        ended = service.workflow("run", key)
        if ended.returncode != code:
            say(ended.stdout + ended.stderr)
        expect(f"workflow run {key}", code, ended.returncode)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        service = Service(folder)
        say(f"ready after {service.start():.1f} s")
        try:
            drive(service)
        finally:
            service.stop()
        say(f"ready again after {service.start():.1f} s")
        service.stop()
        left = subprocess.run(["pgrep", "-fa", folder], capture_output=True, text=True, check=False).stdout
        expect("nothing is left behind", "", left)


main()
