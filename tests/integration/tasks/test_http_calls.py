"""The `http` type against a real server: what is sent, what comes back, and which failures may be tried again."""

import asyncio
import socket

import httpx
import orjson
import pytest

from app.domain.definitions import TaskDraft
from app.tasks import HttpOptions, TaskOptions, build_registry
from app.tasks.http.pool import PoolLimits
from tests.integration.tasks.site import answer, failure, rights

JSON = {"Content-Type": "application/json"}


async def test_a_json_answer_is_the_output(site, handler, attempt) -> None:
    site.pages["/a"] = answer(body=b'{"id": 5, "tags": ["x"]}', headers=JSON | {"X-Shown": "Yes"})
    output = await handler().run(attempt(url=site.url("/a")))
    assert output["status"] == 200
    assert output["body"] == {"id": 5, "tags": ["x"]}
    assert output["headers"] == {"content-length": "24", "content-type": "application/json", "x-shown": "Yes"}


async def test_the_call_is_sent_as_configured(site, handler, attempt) -> None:
    site.pages["/a"] = answer()
    await handler().run(
        attempt(
            url=site.url("/a?own=1"),
            method="put",
            headers={"X-Mine": "one two", "Authorization": "Bearer t"},
            query={"own": 3, "list": ["a", 2], "yes": True},
            body={"name": "Zoë", "n": [1, None]},
        )
    )
    call = site.calls[0]
    assert (call.method, call.target) == ("PUT", "/a?own=1&own=3&list=a&list=2&yes=true")
    assert orjson.loads(call.body) == {"name": "Zoë", "n": [1, None]}
    assert call.headers["content-type"] == "application/json"
    assert (call.headers["x-mine"], call.headers["authorization"]) == ("one two", "Bearer t")
    assert call.headers["host"] == f"127.0.0.1:{site.port}"
    assert call.headers["user-agent"] == "workflow-execution-service"


async def test_http_gets_and_webhook_posts_unless_told_otherwise(site, attempt) -> None:
    site.pages["/a"] = answer()
    registry = build_registry(
        TaskOptions(http=HttpOptions(rights(allowed_hosts=frozenset({f"127.0.0.1:{site.port}"}))))
    )
    for name, config in (("http", {}), ("webhook", {}), ("webhook", {"method": "DELETE"})):
        await registry.handler(name).run(attempt(url=site.url("/a"), **config))
    await registry.close()
    assert [call.method for call in site.calls] == ["GET", "POST", "DELETE"]
    assert registry.config_problems(TaskDraft("a", type="webhook", config={"url": site.url("/a")})) == []


async def test_every_attempt_sends_the_same_idempotency_key(site, handler, attempt) -> None:
    site.pages["/a"] = answer()
    for number in (1, 2):
        await handler().run(attempt(number, url=site.url("/a")))
    assert [call.headers["idempotency-key"] for call in site.calls] == ["019a0000-0000-7000-8000-000000000001/7"] * 2


async def test_the_config_may_set_the_headers_that_have_defaults(site, handler, attempt) -> None:
    site.pages["/a"] = answer()
    headers = {"idempotency-KEY": "mine", "User-agent": "me", "content-type": "application/vnd.x+json"}
    await handler().run(attempt(url=site.url("/a"), method="POST", headers=headers, body=[]))
    sent = site.calls[0].headers
    assert (sent["idempotency-key"], sent["user-agent"], sent["content-type"]) == (
        "mine",
        "me",
        "application/vnd.x+json",
    )


FINAL_STATUSES = dict.fromkeys((304, 400, 401, 403, 404, 409, 410, 422), False)
PASSING_STATUSES = dict.fromkeys((408, 429, 500, 501, 502, 503, 504), True)


@pytest.mark.parametrize(("status", "retryable"), [*FINAL_STATUSES.items(), *PASSING_STATUSES.items()])
async def test_an_unexpected_status_fails_and_says_whether_to_try_again(
    site, handler, attempt, status, retryable
) -> None:
    body = b"" if status == 304 else b"the \x1b[31mreason\nwhy"
    site.pages["/secret"] = answer(status, body)
    error = await failure(handler(), attempt(url=site.url("/secret?token=t")))
    assert (error.code, error.retryable, error.retry_after_seconds) == ("http_status", retryable, None)
    said = f"http://127.0.0.1:{site.port} answered {status} Some Reason"
    assert error.message == (said if status == 304 else f"{said}: the [31mreason why")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7.0), ("Fri, 20 Nov 2026 16:00:30 GMT", 30.0), ("86400", 3600.0), ("soon", None)],
)
async def test_retry_after_is_honoured(site, handler, attempt, header, seconds) -> None:
    site.pages["/a"] = answer(503, headers={"Retry-After": header})
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.retryable, error.retry_after_seconds) == (True, seconds)


@pytest.mark.parametrize(
    ("expected", "status"), [(404, 404), ([200, 409], 409), ("4xx", 418), (["2XX", "5xx"], 503), (302, 302)]
)
async def test_a_status_can_be_expected(site, handler, attempt, expected, status) -> None:
    site.pages["/a"] = answer(status, b"as told", headers={"Location": "/elsewhere"})
    output = await handler().run(attempt(url=site.url("/a"), expected_status=expected))
    assert (output["status"], output["body"]) == (status, "as told")
    assert len(site.calls) == 1


async def test_a_success_that_is_not_expected_is_a_failure(site, handler, attempt) -> None:
    site.pages["/a"] = answer(200)
    error = await failure(handler(), attempt(url=site.url("/a"), expected_status=201))
    assert (error.code, error.retryable) == ("http_status", False)


async def test_a_closed_port_is_retryable(handler, attempt) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/secret"
        error = await failure(handler(), attempt(url=url))
    assert (error.code, error.retryable) == ("http_connection", True)
    assert error.message.startswith(f"no response from {url.removesuffix('/secret')}: ")


async def test_a_name_that_does_not_resolve_is_retryable(handler, attempt) -> None:
    async def nobody(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = await failure(handler(resolve=nobody), attempt(url="http://nobody.example/"))
    assert (error.code, error.retryable) == ("http_connection", True)
    assert "nobody.example does not resolve: [Errno -2] Name or service not known" in error.message


async def test_a_connection_that_breaks_within_the_answer_is_retryable(site, handler, attempt) -> None:
    async def break_off(call, writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart")
        await writer.drain()
        writer.close()

    site.pages["/a"] = break_off
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_connection", True)


async def test_an_answer_that_is_not_http_is_retryable(site, handler, attempt) -> None:
    site.pages["/a"] = b"SSH-2.0-OpenSSH_9.6\r\n\r\n"
    error = await failure(handler(), attempt(url=site.url("/a")))
    assert (error.code, error.retryable) == ("http_connection", True)


@pytest.mark.parametrize("beginning", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"])
async def test_a_slow_answer_ends_at_the_limit_and_is_retryable(site, handler, attempt, beginning) -> None:
    over = asyncio.Event()

    async def hang(call, writer) -> None:
        writer.write(beginning)
        await over.wait()

    site.pages["/a"] = hang
    options = HttpOptions(rights(allow_private=True), call_seconds=0.1)
    error = await failure(handler(options), attempt(url=site.url("/a")))
    over.set()
    assert (error.code, error.retryable) == ("http_timeout", True)
    assert (
        error.message
        == f"http://127.0.0.1:{site.port} did not respond completely within 0.1 s; a task's timeout_seconds sets more"
    )


async def test_a_cancelled_call_closes_its_connection(site, handler, attempt) -> None:
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def hang(call, writer) -> None:
        arrived.set()
        while not writer.transport.is_closing():
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
            await asyncio.sleep(0.01)
        gone.set()

    site.pages["/a"] = hang
    running = asyncio.create_task(handler().run(attempt(url=site.url("/a"))))
    await arrived.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone.wait()


async def test_connections_are_reused_and_cookies_are_not(site, handler, attempt, clock) -> None:
    site.pages["/a"] = answer(headers={"Set-Cookie": "session=other-execution; Path=/"})
    one = handler(clock=clock)
    first = await one.run(attempt(url=site.url("/a")))
    clock.now += PoolLimits().cooldown_seconds
    await one.run(attempt(url=site.url("/a")))
    assert first["headers"]["set-cookie"] == "session=other-execution; Path=/"
    assert site.connections == 1
    site.pages["/old"] = answer(302, headers={"Location": "/a"})
    await one.run(attempt(url=site.url("/old")))
    assert [call.target for call in site.calls] == ["/a", "/a", "/old", "/a"]
    assert not any("cookie" in call.headers for call in site.calls)


async def test_a_proxy_in_the_environment_is_not_used(site, handler, attempt, monkeypatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.pages["/a"] = answer(body=b"direct")
    assert (await handler().run(attempt(url=site.url("/a"))))["body"] == "direct"


async def test_a_wrong_config_fails_before_anything_is_sent(site, handler, attempt) -> None:
    error = await failure(handler(), attempt(url=site.url("/a"), method="BREW"))
    assert (error.code, error.retryable) == ("invalid_config", False)
    assert error.message.startswith("config.method: must be 'GET', ")
    assert site.calls == []


@pytest.mark.parametrize(
    "host",
    [
        "my_host.example",
        "_service.example",
        "-a.example",
        "a-.example",
        "xn--ls8h.example",
        "xn--a.example",
        "a.example.",
    ],
)
async def test_a_host_that_can_be_looked_up_is_called(site, handler, attempt, host) -> None:
    async def resolve(name: str, port: int) -> list[str]:
        looked_up.append(name)
        return ["127.0.0.1"]

    looked_up: list[str] = []
    site.pages["/a"], site.pages["/old"] = answer(body=b"here"), answer(302, headers={"Location": site.url("/a", host)})
    one = handler(resolve=resolve)
    for config in ({"url": site.url("/a", host), "query": {"q": 1}}, {"url": site.url("/old")}):
        assert (await one.run(attempt(**config)))["body"] == "here"
    assert looked_up == [host, "127.0.0.1", host]
    assert [call.headers["host"] for call in site.calls if call.target != "/old"] == [f"{host}:{site.port}"] * 2


async def test_closing_ends_the_open_connections(site, client) -> None:
    left = asyncio.Event()

    async def stay(call, writer) -> None:
        writer.write(answer(body=b"x"))
        asyncio.get_running_loop().create_task(_wait_closed(writer, left))

    site.pages["/a"] = stay
    one = client(HttpOptions(rights(allow_private=True)))
    response = await one.send(httpx.Request("GET", site.url("/a")), {200}, "default")
    assert await response.aread() == b"x"
    assert not left.is_set()
    await one.close()
    await left.wait()
    await one.close()


async def _wait_closed(writer: asyncio.StreamWriter, left: asyncio.Event) -> None:
    await writer.wait_closed()
    left.set()
