"""A small HTTP server with the part of the REST contract that the command uses."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, Any]


class RestStandIn(ThreadingHTTPServer):
    """Keeps workflows by key and executions and histories by execution id; notes every call."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.workflows: dict[str, dict[str, Any]] = {}
        self.executions: dict[str, dict[str, Any]] = {}
        self.tasks: dict[str, list[dict[str, Any]]] = {}
        self.histories: dict[str, list[dict[str, Any]]] = {}
        self.refusals: dict[str, list[dict[str, str]]] = {}
        self.audit: list[dict[str, Any]] = []
        self.conflict_once = False
        self.calls: list[tuple[str, str]] = []
        self.queries: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, method: str, path: str, query: dict[str, Any], body: Any) -> Answer:  # noqa: PLR0911
        parts = path.removeprefix("/api/v1/").split("/")
        match method, parts:
            case "GET", ["workflows"]:
                page = list(self.workflows.values())[query["skip"] : query["skip"] + query["limit"]]
                return 200, {"items": page, "total": len(self.workflows)}
            case "GET", ["workflows", ref] | ["workflows", ref, "revisions", _]:
                found = self.workflows.get(ref) or {str(one["id"]): one for one in self.workflows.values()}.get(ref)
                return (200, found) if found else (404, _problem(404, "workflow_not_found", f"{ref!r} does not exist"))
            case "POST", ["workflows", "validate"]:
                return self._validate(body)
            case "POST", ["workflows"]:
                return self._create(body)
            case "PUT", ["workflows", key]:
                return self._replace(self.workflows[key], body)
            case "GET", ["executions" | "audit" as name]:
                return 200, self._newest(name, query)
            case "GET", ["executions", execution] if execution in self.executions:
                return 200, self.executions[execution]
            case "GET", ["executions", execution, "tasks"] if execution in self.tasks:
                return 200, {"items": self.tasks[execution]}
            case "GET", ["executions", execution, "events"] if execution in self.histories:
                after = query["after"]
                items = self.histories[execution][after : after + query["limit"]]
                return 200, {"items": items, "ended": after + len(items) == len(self.histories[execution])}
            case _:
                return 404, _problem(404, "execution_not_found", f"execution {parts[1]!r} does not exist")

    def _newest(self, name: str, query: dict[str, Any]) -> dict[str, Any]:
        if name == "audit":
            return _page(self.audit, "number", query.get("cursor", 1_000), query["limit"])
        newest = sorted(self.executions.values(), key=lambda one: one["id"], reverse=True)
        return _page(newest, "id", query.get("cursor", "x"), query["limit"])

    def _validate(self, body: Any) -> Answer:
        problems = [{"path": e["field"], "message": e["message"]} for e in self.refusals.get(body["key"], ())]
        return 200, {"valid": not problems, "problems": problems}

    def _create(self, body: Any) -> Answer:
        if errors := self.refusals.get(body["key"]):
            return 422, _problem(422, "invalid", "The request breaks rules", errors)
        stored = {"id": len(self.workflows) + 1, "revision": 1, "updated_at": "2026-01-02T03:04:05.000006Z", **body}
        self.workflows[body["key"]] = stored
        if self.conflict_once:
            self.conflict_once = False
            return 409, _problem(409, "conflict", "the key is taken")
        return 201, stored

    def _replace(self, stored: dict[str, Any], body: Any) -> Answer:
        if errors := self.refusals.get(body["key"]):
            return 422, _problem(422, "invalid", "The request breaks rules", errors)
        if stored | body != stored:
            self.workflows[body["key"]] = stored | body | {"revision": stored["revision"] + 1}
        return 200, self.workflows[body["key"]]


class _Handler(BaseHTTPRequestHandler):
    server: RestStandIn
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        target = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(length)) if length else None
        query = {name: _read(values[0]) for name, values in parse_qs(target.query).items()}
        self.server.calls.append((self.command, target.path))
        self.server.queries.append(query)
        status, document = self.server.answer(self.command, target.path, query, body)
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the test's output is no place for an access log."""


def _read(value: str) -> int | str:
    return int(value) if value.isdecimal() else value


def _page(newest: list[dict[str, Any]], name: str, before: Any, limit: int) -> dict[str, Any]:
    """One page of what is sorted by the field `name`, below `before`."""
    page = [one for one in newest if one[name] < before][:limit]
    return {"items": page, "next_cursor": str(page[-1][name]) if page and page[-1] is not newest[-1] else None}


def _problem(status: int, code: str, detail: str, errors: list[dict[str, str]] | None = None) -> dict[str, Any]:
    return {"type": "about:blank", "title": code, "status": status, "code": code, "detail": detail} | (
        {"errors": errors} if errors else {}
    )
