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


@pytest.mark.parametrize("elsewhere", ["other.example", "127.0.0.1"])
async def test_secrets_stay_with_the_origin_they_were_meant_for(open_site, handler, attempt, elsewhere) -> None:
    first, second = await open_site(), await open_site()
    first.pages["/"] = answer(307, headers={"Location": second.url("/new", host=elsewhere)})
    second.pages["/new"] = answer(body=b"there")
    options = allowed("one.example", "other.example", "127.0.0.1")
    one = handler(options, resolve=answers(one=["127.0.0.1"], other=["127.0.0.1"]))
    config = {"url": first.url(host="one.example"), "method": "POST", "body": {"a": 1}, "headers": SECRETS}
    assert (await one.run(attempt(**config)))["body"] == "there"
    call = second.calls[0]
    assert (call.method, call.body) == ("POST", b'{"a":1}')
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
        ("http://xn--/", "redirects to a host that is none"),
    ],
)
async def test_a_redirect_that_a_config_could_not_name_is_refused(site, handler, attempt, location, reason) -> None:
    site.pages["/0"] = answer(302, headers={"Location": location})
    error = await failure(handler(), attempt(url=site.url("/0")))
    assert (error.code, error.retryable) == ("http_redirect", False)
    assert error.message.startswith(f"http://127.0.0.1:{site.port} {reason}")
