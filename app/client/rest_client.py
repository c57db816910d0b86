"""A client of the REST API that turns every failure into a sentence."""

import json
import ssl
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode

import httpx

from app.api.grpc.tls_files import has_files, trusting
from app.client.api_key import api_key, header
from app.client.errors import ClientError, unusable_files
from app.domain.errors import Problem
from app.domain.host_names import is_local

PREFIX = "/api/v1"
PAGE = 200

Document = dict[str, Any]


class ServiceRefusal(ClientError):
    """The service refused a request. `problems` names the wrong fields; empty if the error is about no field."""

    def __init__(self, status: int, message: str, code: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(message, code)
        self.status = status
        self.problems = problems


class Verdict(NamedTuple):
    """What the service finds in a definition: for which it refuses it, and for which it does not."""

    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()


class RestClient:
    """A connection to the REST API at `base_url`; use it as a context manager.

    key: the API key or token to send; None takes that of WORKFLOW_API_KEY, if it is set.
    """

    def __init__(self, base_url: str, timeout_seconds: float = 10.0, key: str | None = None) -> None:
        self._url = base_url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        try:
            url = httpx.URL(self._url)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise ClientError(f"the REST URL {self._url!r} must be like http://127.0.0.1:8000")
        self._http = httpx.Client(
            headers=header(api_key(key)),
            timeout=timeout_seconds,
            trust_env=not is_local(url.host),
            verify=_verification(url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def tenant(self) -> str:
        """The key of the tenant in which this client acts."""
        return str(self.ask("GET", "/me")["tenant"])

    def find_workflow(self, key: str) -> Document | None:
        """The current revision of a workflow; None if no workflow has the key."""
        try:
            return self.workflow(key)
        except ServiceRefusal as refusal:
            if refusal.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def workflow(self, ref: str) -> Document:
        return self.ask("GET", _workflow_path(ref))

    def create_workflow(self, definition: Mapping[str, Any], *, strict: bool = False) -> Document:
        """With `strict`, the service refuses what would otherwise be a warning of its answer."""
        return self.ask("POST", f"/workflows{strictly(strict)}", definition)

    def replace_workflow(self, key: str, definition: Mapping[str, Any], *, strict: bool = False) -> Document:
        """As `create_workflow`."""
        return self.ask("PUT", f"{_workflow_path(key)}{strictly(strict)}", definition)

    def delete_workflow(self, ref: str, *, force: bool) -> Document:
        """Delete the workflow; return it as it was. With `force`, also one that others call."""
        return self.ask("DELETE", _workflow_path(ref) + ("?force=true" if force else ""))

    def validate_workflow(self, definition: Mapping[str, Any]) -> Verdict:
        """Everything that the service finds in a definition. Nothing is stored."""
        answer = self.ask("POST", "/workflows/validate", definition)
        return Verdict(problems_in(answer["problems"]), problems_in(answer.get("warnings", ())))

    def revisions(self, ref: str) -> Iterator[Document]:
        """A summary of every revision, newest first."""
        return self.all_of(f"{_workflow_path(ref)}/revisions")

    def revision(self, ref: str, revision: int) -> Document:
        return self.ask("GET", f"{_workflow_path(ref)}/revisions/{revision}")

    def revision_changes(self, ref: str, revision: int) -> Document:
        """What the revision changed compared with the previous one."""
        return self.ask("GET", f"{_workflow_path(ref)}/revisions/{revision}/changes")

    def restore_revision(self, ref: str, revision: int) -> Document:
        """Restore the revision; return the workflow as it is now."""
        return self.ask("POST", f"{_workflow_path(ref)}/revisions/{revision}/restore")

    def workflows(self) -> Iterator[Document]:
        """Every workflow."""
        return self.all_of("/workflows")

    def execution(self, execution_id: str) -> Document:
        return self.ask("GET", f"/executions/{quote(execution_id, safe='')}")

    def executions(self, limit: int, parent: str | None = None) -> Iterator[Document]:
        """At most `limit` executions, newest first, page by page; with `parent`, only the children of that one."""
        family = "" if parent is None else f"&parent={quote(parent, safe='')}"
        cursor = ""
        while limit > 0:
            page = self.ask("GET", f"/executions?limit={min(limit, PAGE)}{family}{cursor}")
            yield from page["items"]
            limit -= len(page["items"])
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={quote(page['next_cursor'], safe='')}"

    def tasks(self, execution_id: str) -> list[Document]:
        """Each task of the execution's revision, in the order in which they run."""
        tasks: list[Document] = self.ask("GET", f"/executions/{quote(execution_id, safe='')}/tasks")["items"]
        return tasks

    def schedules(self) -> Iterator[Document]:
        return self.all_of("/schedules")

    def schedule(self, ref: str) -> Document:
        return self.ask("GET", _schedule_path(ref))

    def create_schedule(self, schedule: Mapping[str, Any]) -> Document:
        return self.ask("POST", "/schedules", schedule)

    def change_schedule(self, ref: str, change: str) -> Document:
        """`change` is `pause` or `resume`."""
        return self.ask("POST", f"{_schedule_path(ref)}/{change}")

    def delete_schedule(self, ref: str) -> Document:
        return self.ask("DELETE", _schedule_path(ref))

    def next_fires(self, ref: str, count: int) -> list[str]:
        """The next start times of a schedule."""
        fires: list[str] = self.ask("GET", f"{_schedule_path(ref)}/next?count={count}")["items"]
        return fires

    def audit(self, wanted: Mapping[str, str], limit: int) -> Iterator[Document]:
        """At most `limit` entries of the audit log that match, newest first, page by page."""
        cursor: dict[str, str] = {}
        while limit > 0:
            query = urlencode({**wanted, **cursor, "limit": str(min(limit, PAGE))})
            page = self.ask("GET", f"/audit?{query}")
            yield from page["items"]
            limit -= len(page["items"])
            if page["next_cursor"] is None:
                return
            cursor = {"cursor": page["next_cursor"]}

    def create_key(self, draft: Mapping[str, Any]) -> Document:
        """A new API key, with its text in `key`."""
        return self.ask("POST", "/keys", draft)

    def keys(self) -> Iterator[Document]:
        """Every API key of the caller's tenant, newest first."""
        return self.all_of("/keys")

    def rotate_key(self, key_id: int, wanted: Mapping[str, Any]) -> Document:
        """The key that replaces this one, with its text in `key`."""
        return self.ask("POST", f"/keys/{key_id}/rotate", wanted)

    def revoke_key(self, key_id: int) -> Document:
        return self.ask("POST", f"/keys/{key_id}/revoke")

    def create_tenant(self, key: str, name: str) -> Document:
        return self.ask("POST", "/tenants", {"key": key, "name": name})

    def change_tenant(self, key: str, changes: Mapping[str, Any]) -> Document:
        return self.ask("PATCH", f"/tenants/{key}", changes)

    def tenants(self) -> Iterator[Document]:
        return self.all_of("/tenants")

    def engines(self) -> Iterator[Document]:
        """Every engine that runs, and those that have stopped in the last days."""
        return self.all_of("/engines")

    def all_of(self, path: str) -> Iterator[Document]:
        """A whole list, page by page. The path may have a query."""
        seen, joint = 0, "&" if "?" in path else "?"
        while True:
            page = self.ask("GET", f"{path}{joint}skip={seen}&limit={PAGE}")
            yield from page["items"]
            seen += len(page["items"])
            if not page["items"] or seen >= page["total"]:
                return

    def history(self, execution_id: str) -> Iterator[Document]:
        """The events that an execution has had so far, oldest first, page by page."""
        after = 0
        while True:
            page = self.ask("GET", f"/executions/{quote(execution_id, safe='')}/events?after={after}&limit={PAGE}")
            yield from page["items"]
            if len(page["items"]) < PAGE:
                return
            after = page["items"][-1]["sequence"]

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Document:
        """The JSON object that is answered. `path` begins behind the prefix of the API."""
        content = None if body is None else json.dumps(body, allow_nan=False).encode()
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            answer = self._http.request(method, f"{self._url}{PREFIX}{path}", content=content, headers=headers)
        except httpx.TimeoutException:
            raise ClientError(f"the service at {self._url} did not answer within {self._timeout_seconds:g} s") from None
        except httpx.TransportError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                sentence = f"the certificate of {self._url} is not trusted; WORKFLOW_TLS_CA names a file of authorities"
                raise ClientError(sentence) from None
            raise ClientError(f"the service does not answer at {self._url}; start it with `workflow up`") from None
        except httpx.RequestError:  # its answer cannot be decoded
            raise self._not_ours("its answer cannot be read") from None
        return self._document(answer)

    def _document(self, answer: httpx.Response) -> Document:
        try:
            document = answer.json()
        except ValueError:
            document = None
        if not isinstance(document, dict) or (answer.is_error and "code" not in document):
            raise self._not_ours(f"status {answer.status_code}")
        if answer.is_error:
            raise self._failure(answer.status_code, document)
        return document

    def _not_ours(self, sign: str) -> ClientError:
        return ClientError(
            f"the server at {self._url} is not the workflow service ({sign}); check --rest-url and WORKFLOW_REST_URL"
        )

    def _failure(self, status: int, problem: Document) -> ClientError:
        message = str(problem.get("detail") or problem.get("title") or problem["code"])
        if status >= httpx.codes.INTERNAL_SERVER_ERROR:
            return ClientError(f"the service at {self._url} cannot answer now: {message}; try again shortly")
        problems = tuple(Problem(str(item["field"]), str(item["message"])) for item in problem.get("errors", ()))
        return ServiceRefusal(status, message, str(problem["code"]), problems)


def _verification(url: httpx.URL) -> ssl.SSLContext | bool:
    """How certificates are verified: as httpx does it, unless files for TLS are named."""
    if url.scheme != "https" or not has_files():
        return True
    try:
        return trusting(url.host)
    except OSError as error:
        raise ClientError(unusable_files(error)) from None


def problems_in(items: Iterable[Mapping[str, Any]]) -> tuple[Problem, ...]:
    """The `problems` or `warnings` of an answer."""
    return tuple(Problem(str(item["path"]), str(item["message"])) for item in items)


def strictly(strict: bool) -> str:
    return "?strict=true" if strict else ""


def _workflow_path(ref: str) -> str:
    return f"/workflows/{quote(ref, safe='')}"


def _schedule_path(ref: str) -> str:
    return f"/schedules/{quote(ref, safe='')}"
