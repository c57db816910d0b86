"""What a call sends: the URL as it is written with `query` behind it, and the body as its Content-Type says."""

import pytest

from tests.integration.tasks.site import answer, failure


@pytest.mark.parametrize(
    ("target", "query", "sent"),
    [
        ("/a?flag&e=%7E&n=M%FCller&s=a;b", {"x": 1}, "/a?flag&e=%7E&n=M%FCller&s=a;b&x=1"),
        ("/a?flag&e=%7E&n=M%FCller&s=a;b", {}, "/a?flag&e=%7E&n=M%FCller&s=a;b"),
        (
            "/a?low=%c3%a9&plus=a+b&stop=1.0",
            {"x": "é+ &=#?/"},
            "/a?low=%c3%a9&plus=a+b&stop=1.0&x=%C3%A9%2B%20%26%3D%23%3F%2F",
        ),
        ("/a?same=1&same=2", {"same": ["3", 4]}, "/a?same=1&same=2&same=3&same=4"),
        ("/a", {"x": ""}, "/a?x="),
        ("/a?", {"x": 1}, "/a?x=1"),
        ("/a?b&", {"x": 1}, "/a?b&x=1"),
        ("/a?b", {"x": []}, "/a?b"),
        ("/a?b#fragment", {"x": 1}, "/a?b&x=1"),
        ("/a?q='|[]{}^`\\", {"x": 1}, "/a?q='|[]{}^`\\&x=1"),
        ('/a?q=a b"<>é', {"x": 1}, "/a?q=a%20b%22%3C%3E%C3%A9&x=1"),
        ("/a%2Fb%20c", {"yes": True, "no": False, "n": 2.5}, "/a%2Fb%20c?yes=true&no=false&n=2.5"),
    ],
)
async def test_query_is_appended_to_the_urls_own_which_is_not_changed(
    raw_site, handler, attempt, target, query, sent
) -> None:
    async def note(reader, writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        targets.append(head.split(b" ")[1].decode())
        writer.write(answer())

    targets: list[str] = []
    await handler().run(attempt(url=await raw_site(note) + target, query=query))
    assert targets == [sent]


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("content_type", "body", "sent"),
    [
        (None, {"a": "é"}, '{"a":"é"}'.encode()),
        (None, "text", b'"text"'),
        (None, False, b"false"),
        ("application/json", [1], b"[1]"),
        ("application/json; charset=UTF-8", "text", b'"text"'),
        ("Application/Problem+JSON", {}, b"{}"),
        ("text/json", 1.5, b"1.5"),
        (
            FORM,
            {"a": "x y&=+é", "b": [1, True, "z"], "c": 2.5, "d": ""},
            b"a=x%20y%26%3D%2B%C3%A9&b=1&b=true&b=z&c=2.5&d=",
        ),
        (f"{FORM}; charset=utf-8", {}, b""),
        (FORM, "a=1&b", b"a=1&b"),
        ("text/plain", "é", "é".encode()),
        ("text/plain; charset=ISO-8859-1", "é", b"\xe9"),
        ('text/csv; charset="utf-16-le"', "a", b"a\0"),
        ("application/xml", "<a/>", b"<a/>"),
        ("multipart/form-data; boundary=x", "--x--", b"--x--"),
        ("application/octet-stream", "", b""),
    ],
)
async def test_a_body_is_sent_as_its_content_type_says(site, handler, attempt, content_type, body, sent) -> None:
    site.pages["/a"] = answer()
    headers = {} if content_type is None else {"content-type": content_type}
    await handler().run(attempt(url=site.url("/a"), method="POST", headers=headers, body=body))
    assert site.calls[0].body == sent
    assert site.calls[0].headers["content-type"] == content_type or "application/json"
    assert site.calls[0].headers["content-length"] == str(len(sent))


@pytest.mark.parametrize("content_type", ["text/plain", FORM, "application/json"])
async def test_no_body_is_none_whatever_its_content_type(site, handler, attempt, content_type) -> None:
    site.pages["/a"] = answer()
    await handler().run(attempt(url=site.url("/a"), headers={"Content-Type": content_type}, body=None))
    assert "content-length" not in site.calls[0].headers


@pytest.mark.parametrize(
    ("content_type", "body", "message"),
    [
        ("text/plain", {"a": 1}, "config.headers.Content-type: text/plain needs a body that is a string"),
        (FORM, [1], f"config.headers.Content-type: {FORM} needs a body that is an object or a string"),
        (FORM, {"a": {"b": 1}}, f"config.headers.Content-type: {FORM}: body.a must be a string, number or boolean, or"),
        (FORM, {"a": None}, f"config.headers.Content-type: {FORM}: body.a must be a string, number or boolean, or"),
        ("text/plain; charset=ascii", "é", "config.body: holds 'é', which ascii cannot write"),
    ],
)
async def test_a_body_that_does_not_fit_fails_before_anything_is_sent(
    site, handler, attempt, content_type, body, message
) -> None:
    error = await failure(handler(), attempt(url=site.url("/a"), headers={"Content-type": content_type}, body=body))
    assert (error.code, error.retryable) == ("invalid_config", False)
    assert error.message.startswith(message)
    assert site.connections == 0
