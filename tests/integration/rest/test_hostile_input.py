"""What no client should send, and the exact answer to each."""

import httpx
import pytest

from tests.support.rest_service import MAX_BODY, MAX_TASKS

JSON = {"content-type": "application/json"}
TASK = {"name": "t", "execution_type": "sync"}


def raw(text: str) -> bytes:
    return text.encode()


TASKS = [
    # fields of the task `u`, which are wrong
    ({"name": "\x00"}, ["name"]),
    ({"name": "x" * 201}, ["name"]),
    ({"name": 5}, ["name"]),
    ({"execution_type": "SYNC"}, ["execution_type"]),
    ({"execution_type": None}, ["execution_type"]),
    ({"sequence": "1"}, ["sequence"]),
    ({"sequence": 1.5}, ["sequence"]),
    ({"sequence": True}, ["sequence"]),
    ({"sequence": None}, ["sequence"]),
    ({"sequence": -1}, ["sequence"]),
    ({"sequence": 1_000_001}, ["sequence"]),
    ({"sequence": 2**63}, ["sequence"]),
    ({"sequence": 10**30}, ["sequence"]),
    ({"type": "no-such-type"}, ["type"]),
    ({"type": "a\x00b"}, ["type"]),
    ({"type": 1}, ["type"]),
    ({"config": []}, ["config"]),
    ({"config": {"message": {"deep": "a\x00b"}}}, ["config.message.deep"]),
    ({"config": {"k\x00": 1}}, ["config"]),
    ({"timeout_seconds": 0}, ["timeout_seconds"]),
    ({"timeout_seconds": -1}, ["timeout_seconds"]),
    ({"timeout_seconds": 1e300}, ["timeout_seconds"]),
    ({"timeout_seconds": "5"}, ["timeout_seconds"]),
    ({"retry": {"max_attempts": 0}}, ["retry.max_attempts"]),
    ({"retry": {"max_attempts": 10**9}}, ["retry.max_attempts"]),
    ({"retry": {"max_attempts": 2.5}}, ["retry.max_attempts"]),
    ({"retry": {"jitter": 2, "backoff_coefficient": 0}}, ["retry.backoff_coefficient", "retry.jitter"]),
    ({"retry": {"unknown": 1}}, ["retry.unknown"]),
    ({"retry": []}, ["retry"]),
    ({"depends_on": "t"}, ["depends_on"]),
    ({"depends_on": [1]}, ["depends_on[0]"]),
    ({"depends_on": ["ghost"]}, ["depends_on[0]"]),
    ({"depends_on": ["u"]}, ["depends_on[0]"]),
    ({"depends_on": ["t", "t"]}, ["depends_on[1]"]),
    ({"retry": {"non_retryable_errors": "gone"}}, ["retry.non_retryable_errors"]),
    ({"retry": {"non_retryable_errors": ["ok", " "]}}, ["retry.non_retryable_errors[1]"]),
    ({"retry": {"non_retryable_errors": ["x" * 201]}}, ["retry.non_retryable_errors[0]"]),
    ({"retry": {"non_retryable_errors": ["a\x00b"]}}, ["retry.non_retryable_errors[0]"]),
    ({"retry": {"non_retryable_errors": [str(n) for n in range(101)]}}, ["retry.non_retryable_errors"]),
    ({"on_failure": "ignore"}, ["on_failure"]),
    ({"on_failure": None}, ["on_failure"]),
    ({"compensate": "t"}, ["compensate"]),
    ({"compensate": [1]}, ["compensate[0]"]),
    ({"compensate": ["ghost"]}, ["compensate[0]"]),
    ({"compensate": ["u"]}, ["compensate[0]"]),
    ({"compensate": ["t", "t"]}, ["compensate[1]"]),
    ({"surprise": 1}, ["surprise"]),
]

WORKFLOWS = [
    # body, status, which fields are wrong
    (raw(""), 422, ["body"]),
    (raw("null"), 422, ["body"]),
    (raw("[]"), 422, ["body"]),
    (raw('"text"'), 422, ["body"]),
    (raw("{"), 400, []),
    (b'{"name": "\xff"}', 400, []),
    (raw("{}"), 422, ["name"]),
    ({"name": None}, 422, ["name"]),
    ({"name": 1}, 422, ["name"]),
    ({"name": ["n"]}, 422, ["name"]),
    ({"name": ""}, 422, ["name"]),
    ({"name": " \t\u2003"}, 422, ["name"]),
    ({"name": "x" * 201}, 422, ["name"]),
    ({"name": "a\x00b"}, 422, ["name"]),
    (raw(r'{"name": "\ud800"}'), 422, ["name"]),
    (raw('{"name": NaN}'), 422, ["name"]),
    (raw('{"name": "n", "tasks": [{"name": "t", "config": {"a": [Infinity]}}]}'), 422, ["tasks[0].config.a[0]"]),
    (raw('{"name": "n", "tasks": [{"name": "t", "config": {"a": 1e999}}]}'), 422, ["tasks[0].config.a"]),
    ({"name": "n", "description": 5}, 422, ["description"]),
    ({"name": "n", "description": "x" * 10_001}, 422, ["description"]),
    ({"name": "n", "timeout_seconds": 0}, 422, ["timeout_seconds"]),
    ({"name": "n", "timeout_seconds": 1e300}, 422, ["timeout_seconds"]),
    ({"name": "n", "timeout_seconds": "5"}, 422, ["timeout_seconds"]),
    ({"name": "n", "surprise": 1}, 422, ["surprise"]),
    ({"name": "n", "id": "1", "revision": None}, 422, ["id", "revision"]),
    ({"name": "n", "key": "two words"}, 422, ["key"]),
    ({"name": "n", "key": "123"}, 422, ["key"]),
    ({"name": "n", "key": ""}, 422, ["key"]),
    ({"name": "n", "key": "-a"}, 422, ["key"]),
    ({"name": "n", "key": "a" * 101}, 422, ["key"]),
    ({"name": "n", "key": "a\n"}, 422, ["key"]),
    ({"name": "n", "key": "a/b"}, 422, ["key"]),
    ({"name": "n", "tasks": None}, 422, ["tasks"]),
    ({"name": "n", "tasks": {}}, 422, ["tasks"]),
    ({"name": "n", "tasks": [None]}, 422, ["tasks[0]"]),
    ({"name": "n", "tasks": [TASK, TASK]}, 422, ["tasks[1].name"]),
    ({"name": "n", "tasks": [TASK | {"name": str(n)} for n in range(MAX_TASKS + 1)]}, 422, ["tasks"]),
    (raw('{"name": "n", "x": ' + "[" * 2_000 + "]" * 2_000 + "}"), 422, ["body"]),
    (raw('{"name": "n", "x": ' + "[" * 70 + "]" * 70 + "}"), 422, ["x" + "[0]" * 63]),
]

QUERIES = [
    ("/workflows?limit=0", "limit"),
    ("/workflows?limit=201", "limit"),
    ("/workflows?limit=-1", "limit"),
    ("/workflows?limit=ten", "limit"),
    ("/workflows?limit=1.5", "limit"),
    ("/workflows?limit=", "limit"),
    ("/workflows?skip=-1", "skip"),
    ("/workflows?skip=99999999999999999999", "skip"),
    ("/workflows?skip=" + "9" * 5000, "skip"),
    ("/workflows?name=a%00b", "name"),
    ("/workflows?key=%00", "key"),
    ("/workflows?name=" + "x" * 201, "name"),
    ("/tasks/abc", "task"),
    ("/tasks/1.5", "task"),
    ("/tasks/" + "9" * 5000, "task"),
    ("/workflows/1/revisions/first", "revision"),
    ("/workflows/1/revisions?limit=500", "limit"),
    ("/executions?limit=0", "limit"),
    ("/executions?limit=201", "limit"),
    ("/executions?status=done", "status"),
    ("/executions?cursor=nonsense", "cursor"),
    ("/executions?created_after=yesterday", "created_after"),
    ("/executions?created_after=2026-01-01T00:00:00", "created_after"),
    ("/executions?created_before=0001-01-01T00:00:00%2B14:00", "created_before"),
    ("/executions/not-a-uuid", "execution_id"),
    ("/executions/not-a-uuid/events", "execution_id"),
    ("/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71/events?after=-1", "after"),
    ("/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71/events?after=9999999999", "after"),
    ("/executions/0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71/events?limit=1001", "limit"),
]

STARTS = [
    ({"input": []}, "input"),
    ({"input": None}, "input"),
    ({"input": {"a": "\x00"}}, "input.a"),
    ({"idempotency_key": ""}, "idempotency_key"),
    ({"idempotency_key": 5}, "idempotency_key"),
    ({"idempotency_key": "x" * 201}, "idempotency_key"),
    ({"idempotency_key": "schedule:1:2026-12-01T00:00:00Z"}, "idempotency_key"),
    ({"surprise": 1}, "surprise"),
]


def check(answer: httpx.Response, status: int, fields: list[str]) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert [error["field"] for error in problem.get("errors", [])] == fields, problem
    assert problem["status"] == status
    assert problem["detail"]
    assert all(error["message"] for error in problem.get("errors", []))


async def send(rest: httpx.AsyncClient, method: str, url: str, body: dict | bytes) -> httpx.Response:
    if isinstance(body, bytes):
        return await rest.request(method, url, content=body, headers=JSON)
    return await rest.request(method, url, json=body)


async def test_no_workflow_is_made_of_this(rest):
    for body, status, fields in WORKFLOWS:
        check(await send(rest, "POST", "/workflows", body), status, fields)
    for task, fields in TASKS:
        body = {"name": "n", "tasks": [TASK, TASK | {"name": "u"} | task]}
        check(await send(rest, "POST", "/workflows", body), 422, [f"tasks[1].{field}" for field in fields])
    assert (await rest.get("/workflows")).json()["total"] == 0


async def test_no_workflow_becomes_this(rest):
    stored = (await rest.post("/workflows", json={"name": "n", "key": "k"})).json()
    for body, status, fields in WORKFLOWS:
        check(await send(rest, "PUT", "/workflows/k", body), status, fields)
        if body != raw("{}"):
            check(await send(rest, "PATCH", "/workflows/k", body), status, fields)
    assert (await rest.get("/workflows/k")).json() == stored


async def test_no_task_becomes_this(rest):
    body = {"name": "n", "key": "k", "tasks": [TASK, TASK | {"name": "u"}]}
    stored = (await rest.post("/workflows", json=body)).json()
    url = f"/tasks/{stored['tasks'][1]['id']}"
    for task, fields in TASKS:
        check(await send(rest, "PUT", url, TASK | {"name": "u"} | task), 422, fields)
        check(await send(rest, "PATCH", url, task), 422, fields)
        if ["u"] not in (task.get("depends_on"), task.get("compensate")):
            check(await send(rest, "POST", "/workflows/k/tasks", TASK | {"name": "v"} | task), 422, fields)
    assert (await rest.get("/workflows/k")).json() == stored


async def test_wrong_queries_name_the_parameter(rest):
    for url, field in QUERIES:
        check(await rest.get(url), 422, [field])


async def test_executions_are_not_started_with_this(rest):
    await rest.post("/workflows", json={"name": "n", "key": "k"})
    for body, field in STARTS:
        check(await rest.post("/workflows/k/executions", json=body), 422, [field])
    for wait in ("-1", "61", "nan", "inf", "soon"):
        check(await rest.post(f"/workflows/k/executions?wait={wait}"), 422, ["wait"])
    assert (await rest.get("/executions")).json()["items"] == []


async def test_a_body_over_the_limit_is_refused_however_it_comes(rest):
    async def chunks(count: int):
        for _ in range(count):
            yield b" " * 1_000

    small = b'{"name":"n"}'
    fits = small + b" " * (MAX_BODY - len(small))
    assert (await rest.post("/workflows", content=fits, headers=JSON)).status_code == 201
    for content, headers in (
        (fits + b" ", {}),
        (chunks(MAX_BODY // 1_000 + 1), {}),
        (small, {"content-length": "9" * 5000}),
    ):
        answer = await rest.post("/workflows", content=content, headers=JSON | headers)
        check(answer, 413, ["body"])
        assert answer.json()["code"] == "too_large"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_a_body_that_does_not_say_it_is_json_is_refused(rest, method):
    url = "/workflows" if method == "POST" else "/workflows/1"
    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/jsonish", "json", "", None):
        headers = {} if content_type is None else {"content-type": content_type}
        answer = await rest.request(method, url, content=b'{"name":"n"}', headers=headers)
        check(answer, 415, [])
        assert answer.json()["code"] == "unsupported_media_type"


async def test_many_problems_are_told_in_part(rest):
    answer = await rest.post("/workflows", json={"name": "n", **{f"x{n}": 1 for n in range(500)}})
    assert (answer.status_code, len(answer.json()["errors"])) == (422, 100)
    assert answer.json()["detail"] == "x0: is not a field of this request; and 499 more"


@pytest.mark.parametrize(
    ("method", "url", "fields"),
    [
        ("GET", "/workflows?nonsense=1", ["nonsense"]),
        ("GET", "/workflows?limit=1&Limit=2&x", ["Limit", "x"]),
        ("GET", "/workflows/k?expand=tasks", ["expand"]),
        ("POST", "/workflows/k/executions?wait=0&input=1", ["input"]),
        ("GET", "/executions?workflow_id=k&if-none-match=1", ["if-none-match"]),
        ("GET", "/readyz?x=1", ["x"]),
    ],
)
async def test_unknown_query_parameters_are_named(rest, method: str, url: str, fields: list[str]):
    await rest.post("/workflows", json={"name": "n", "key": "k"})
    answer = await rest.request(method, url)
    check(answer, 422, fields)
    assert all("is not a query parameter of this operation; " in error["message"] for error in answer.json()["errors"])
    assert (await rest.get("/executions")).json()["items"] == []


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip", "x"])
async def test_a_body_that_is_encoded_is_refused(rest, encoding: str):
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    answer = await rest.post("/workflows", content=b'{"name": "n"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_encoding")
    assert (await rest.post("/workflows", json={"name": "n"}, headers={"content-encoding": "identity"})).is_success


async def test_the_address_of_the_service_says_where_to_go(rest):
    answer = await rest.get("/")
    assert answer.status_code == 200
    document = answer.json()
    assert document["api"] == "/api/v1"
    for path in (document["documentation"], document["openapi"], document["health"], document["readiness"]):
        assert (await rest.get(path)).status_code == 200, path
