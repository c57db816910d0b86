"""Redirects of `http` tasks: each hop is checked like the first, and secrets do not travel to other origins."""

import pytest

from tests.integration.tasks.site import allowed, answer, answers, failure


async def test_a_redirect_to_a_closed_address_is_refused(open_site, handler, attempt) -> None:
    outside, inside = await open_site(), await open_site()
    outside.pages["/"] = answer(302, headers={"Location": inside.url("/metadata")})
    inside.pages["/metadata"] = answer(body=b"secret")
    one = handler(allowed("outside.example"), resolve=answers(outside=["127.0.0.1"]))
    error = await failure(one, attempt(url=outside.url(host="outside.example")))
    assert (error.code, error.retryable) == ("http_address_refused", False)
    assert error.message.startswith("127.0.0.1, a loopback address")
    assert (len(outside.calls), inside.connections) == (1, 0)


SECRETS = {"Authorization": "Bearer t", "X-Api-Key": "k", "Cookie": "c=1", "Accept": "text/csv"}


@pytest.fixture
def two_hosts(handler):
    options = allowed("one.example", "other.example", "127.0.0.1")
    return handler(options, resolve=answers(one=["127.0.0.1"], other=["127.0.0.1"]))


@pytest.mark.parametrize("elsewhere", ["other.example", "127.0.0.1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_secrets_stay_with_the_origin_they_were_meant_for(
    open_site, two_hosts, attempt, elsewhere, method, status
) -> None:
    first, second = await open_site(), await open_site()
    first.pages["/"] = answer(status, headers={"Location": second.url("/new", host=elsewhere)})
    second.pages["/new"] = answer(204)
    config = {"url": first.url(host="one.example"), "method": method, "headers": SECRETS}
    assert (await two_hosts.run(attempt(**config)))["status"] == 204
    call = second.calls[0]
    assert not {"authorization", "x-api-key", "cookie"} & set(call.headers)
    assert call.headers["accept"] == "text/csv"
    assert call.headers["host"] == f"{elsewhere}:{second.port}"
    assert call.headers["idempotency-key"] == first.calls[0].headers["idempotency-key"]


async def test_a_redirect_within_the_origin_keeps_the_headers(site, handler, attempt) -> None:
    site.pages["/old"] = answer(301, headers={"Location": "/new?a=1"})
    site.pages["/new"] = answer(body=b"moved")
    output = await handler().run(attempt(url=site.url("/old"), query={"q": 1}, headers=SECRETS))
    assert output["body"] == "moved"
    assert [call.target for call in site.calls] == ["/old?q=1", "/new?a=1"]
    assert (site.calls[1].headers["authorization"], site.calls[1].headers["x-api-key"]) == ("Bearer t", "k")


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (301, "GET"), (307, "POST"), (308, "POST")])
async def test_a_redirected_post_is_sent_as_its_status_says(site, handler, attempt, status, method) -> None:
    site.pages["/old"] = answer(status, headers={"Location": "/new"})
    site.pages["/new"] = answer()
    await handler(method="POST").run(attempt(url=site.url("/old"), body=1))
    assert (site.calls[1].method, site.calls[1].body) == (method, b"1" if method == "POST" else b"")
    assert site.calls[1].headers.get("content-type") == ("application/json" if method == "POST" else None)
    assert site.calls[1].headers.get("content-length") == ("1" if method == "POST" else None)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_what_changes_something_is_not_turned_into_a_read(site, handler, attempt, method, status) -> None:
    site.pages["/old"] = answer(status, headers={"Location": "/new"})
    site.pages["/new"] = answer()
    await handler().run(attempt(url=site.url("/old"), method=method, body=[1]))
    assert (site.calls[1].method, site.calls[1].body) == (method, b"[1]")


@pytest.mark.parametrize(("method", "sent"), [("PUT", "GET"), ("DELETE", "GET"), ("GET", "GET"), ("HEAD", "HEAD")])
async def test_see_other_is_read(site, handler, attempt, method, sent) -> None:
    site.pages["/old"] = answer(303, headers={"Location": "/new"})
    site.pages["/new"] = answer()
    await handler().run(attempt(url=site.url("/old"), method=method))
    assert (site.calls[1].method, site.calls[1].body) == (sent, b"")


@pytest.mark.parametrize(
    ("status", "method"),
    [(307, "POST"), (308, "POST"), (307, "PUT"), (301, "PUT"), (302, "DELETE"), (308, "PATCH"), (307, "GET")],
)
async def test_a_body_does_not_go_to_another_origin(open_site, two_hosts, attempt, status, method) -> None:
    first, second = await open_site(), await open_site()
    first.pages["/"] = answer(status, headers={"Location": second.url("/new", host="other.example")})
    config = {"url": first.url(host="one.example"), "method": method, "body": {"card": 1}}
    error = await failure(two_hosts, attempt(**config))
    assert (error.code, error.retryable) == ("http_redirect", False)
    assert error.message == (
        f"http://one.example:{first.port} redirects the {method} to http://other.example:{second.port}: "
        "another origin does not get the body"
    )
    assert second.connections == 0


async def test_another_port_or_scheme_is_another_origin(open_site, two_hosts, attempt) -> None:
    first, second = await open_site(), await open_site()
    for location in (second.url(host="one.example"), first.url(host="one.example", scheme="https")):
        first.pages["/"] = answer(307, headers={"Location": location})
        error = await failure(two_hosts, attempt(url=first.url(host="one.example"), method="POST", body=1))
        assert error.code == "http_redirect"
    assert second.connections == 0


@pytest.mark.parametrize(("status", "location"), [(302, None), (302, ""), (302, " "), (300, "/new"), (304, "/new")])
async def test_an_answer_that_leads_nowhere_is_no_redirect(site, handler, attempt, status, location) -> None:
    site.pages["/old"] = answer(status, headers={} if location is None else {"Location": location})
    error = await failure(handler(), attempt(url=site.url("/old")))
    assert (error.code, len(site.calls)) == ("http_status", 1)


async def test_a_redirect_to_two_places_is_refused(site, handler, attempt) -> None:
    twice = b"HTTP/1.1 302 Found\r\nLocation: /new\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n"
    site.pages["/two"], site.pages["/same"], site.pages["/new"] = twice % b"/other", twice % b"/new", answer()
    error = await failure(handler(), attempt(url=site.url("/two")))
    assert (error.code, error.message) == (
        "http_redirect",
        f"http://127.0.0.1:{site.port} redirects to 2 places at once",
    )
    assert (await handler().run(attempt(url=site.url("/same"))))["status"] == 200


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/new?flag&e=%7E&n=M%FCller&s=a;b", "/new?flag&e=%7E&n=M%FCller&s=a;b"),
        ("new", "/a/new"),
        ("?only=query", "/a/old?only=query"),
        ("../new", "/new"),
        ("http:///new", "/new"),
        ("/new#fragment", "/new"),
        ("/new?a=b c", "/new?a=b%20c"),
        ("/new?n=Müller", "/new?n=M%C3%BCller"),
    ],
)
async def test_where_a_redirect_leads(site, handler, attempt, location, target) -> None:
    site.pages["/a/old"] = answer(302, headers={"Location": location})
    await failure(handler(), attempt(url=site.url("/a/old")))
    assert site.calls[1].target == target


async def test_five_redirects_are_followed_and_a_sixth_is_not(site, handler, attempt) -> None:
    for number in range(6):
        site.pages[f"/{number}"] = answer(302, headers={"Location": f"/{number + 1}"})
    error = await failure(handler(), attempt(url=site.url("/0")))
    assert (error.code, error.message, error.retryable) == (
        "http_redirect",
        "there were more than 5 redirects",
        False,
    )
    assert len(site.calls) == 6
    site.pages["/5"] = answer(body=b"end")
    assert (await handler().run(attempt(url=site.url("/0"))))["body"] == "end"


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("ftp://example.com/", "redirects to a URL that must start with http:// or https://"),
        ("file:///etc/passwd", "redirects to a URL that must start with http:// or https://"),
        ("http://me:secret@example.com/", "redirects to a URL that must not hold a user name or password"),
        ("http://x:0/", "redirects to a URL that must have a port from 1 to 65535"),
        ("http://a..b/", "redirects to a URL that must name a host"),
        ("http://☃.example/", "redirects to a URL that is not a URL: Invalid IDNA hostname: '☃.example'"),
        ("http://x:port/", "redirects to a URL that is not a URL: Invalid port: 'port'"),
        ("javascript:alert(1)", "redirects to a URL that must start with http:// or https://"),
    ],
)
async def test_a_redirect_that_a_config_could_not_name_is_refused(site, handler, attempt, location, reason) -> None:
    site.pages["/0"] = answer(302, headers={"Location": location})
    error = await failure(handler(), attempt(url=site.url("/0")))
    assert (error.code, error.retryable) == ("http_redirect", False)
    assert error.message.startswith(f"http://127.0.0.1:{site.port} {reason}")
