"""Where `http` tasks may go: the address that is dialled is the one that was checked, for every hop of a call."""

import asyncio
import ssl
from typing import Any

import httpx
import pytest

from app.domain.handlers import TaskError
from app.tasks.http.network import GuardedNetwork, Origin
from app.tasks.http.socket_stream import SocketStream
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import allowed, answer, answers, failure, rights

CLOSED = HttpOptions()


async def refusal(handler, attempt) -> str:
    error = await failure(handler, attempt)
    assert (error.code, error.retryable) == ("http_address_refused", False)
    return error.message


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("127.0.0.1", "a loopback address"),
        ("127.1", "a loopback address"),
        ("2130706433", "a loopback address"),
        ("0x7f000001", "a loopback address"),
        ("0x7f.0.0.1", "a loopback address"),
        ("017700000001", "a loopback address"),
        ("127。0。0。1", "a loopback address"),
        ("localhost", "a loopback address"),
        ("LOCALHOST", "a loopback address"),
        ("0", "an unspecified address"),
        ("0.0.0.0", "an unspecified address"),
        ("[::]", "an unspecified address"),
        ("[::1]", "a loopback address"),
        ("[0:0:0:0:0:0:0:1]", "a loopback address"),
        ("[::ffff:127.0.0.1]", "a loopback address"),
        ("[::ffff:7f00:1]", "a loopback address"),
        ("[64:ff9b::127.0.0.1]", "a loopback address"),
        ("[::127.0.0.1]", "a reserved address"),
        ("169.254.169.254", "a link-local address"),
        ("0xa9fea9fe", "a link-local address"),
        ("[fe80::1]", "a link-local address"),
        ("[fd00:ec2::254]", "a private address"),
        ("10.0.0.1", "a private address"),
        ("192.168.0.1", "a private address"),
        ("224.0.0.1", "a multicast address"),
        ("255.255.255.255", "a reserved address"),
    ],
)
async def test_no_spelling_of_a_closed_address_is_reached(site, handler, attempt, host, kind) -> None:
    message = await refusal(handler(CLOSED), attempt(url=site.url(host=host)))
    assert f", {kind}: http tasks may not reach it unless HTTP_TASK_ALLOWED_HOSTS names " in message
    assert message.endswith(f":{site.port}, or HTTP_TASK_ALLOW_PRIVATE is true")
    assert site.connections == 0


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["::1"], ["93.184.216.34", "127.0.0.1"], ["::ffff:10.0.0.1"]])
async def test_a_name_with_a_closed_address_is_refused(site, handler, attempt, addresses) -> None:
    one = handler(CLOSED, resolve=answers(public=addresses))
    message = await refusal(one, attempt(url=site.url(host="public.example")))
    assert message.startswith(f"public.example has the address {addresses[-1]}, a ")
    assert f"HTTP_TASK_ALLOWED_HOSTS names public.example or public.example:{site.port}, or" in message
    assert site.connections == 0


async def test_an_allowed_name_is_reached_and_seen_by_its_name(site, handler, attempt) -> None:
    site.pages["/"] = answer(body=b"inside")
    for hosts in (allowed("inside.example"), allowed(f"inside.example:{site.port}")):
        one = handler(hosts, resolve=answers(inside=["127.0.0.1"]))
        assert (await one.run(attempt(url=site.url(host="INSIDE.example"))))["body"] == "inside"
    assert {call.headers["host"] for call in site.calls} == {f"inside.example:{site.port}"}


async def test_allowing_a_name_allows_neither_its_other_ports_nor_other_names(site, handler, attempt) -> None:
    resolve = answers(inside=["127.0.0.1"], other=["127.0.0.1"])
    one = handler(allowed("inside.example:1"), resolve=resolve)
    await refusal(one, attempt(url=site.url(host="inside.example")))
    two = handler(allowed("inside.example"), resolve=resolve)
    await refusal(two, attempt(url=site.url(host="other.example")))
    await refusal(two, attempt(url=site.url(host="127.0.0.1")))
    assert site.connections == 0


def own(site, *workflows: str, **options: Any) -> HttpOptions:
    """The site is this service."""
    return HttpOptions(rights(own_api_workflows=frozenset(workflows), **options), own_ports=frozenset({site.port}))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "127.0.0.2", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize(
    "options", [{}, {"allow_private": True}, {"allowed_hosts": frozenset({"127.0.0.1", "localhost", "127.0.0.1:1"})}]
)
async def test_the_service_itself_is_closed_whatever_is_allowed(site, handler, attempt, host, options) -> None:
    message = await refusal(handler(own(site, "other", **options)), attempt(url=site.url(host=host)))
    assert "is this service itself: http tasks may not call it unless HTTP_TASK_OWN_API_WORKFLOWS names" in message
    assert site.connections == 0


async def test_its_other_ports_are_none_of_its_own(site, handler, attempt) -> None:
    site.pages["/"] = answer(body=b"inside")
    elsewhere = HttpOptions(rights(allow_private=True), own_ports=frozenset({1}))
    assert (await handler(elsewhere).run(attempt(url=site.url())))["body"] == "inside"


@pytest.mark.parametrize("names", [("checks",), ("*",)])
async def test_a_workflow_that_is_named_calls_the_service_and_others_do_not_get_its_connection(
    site, handler, attempt, clock, names
) -> None:
    site.pages["/"] = answer(body=b"inside")
    one = handler(own(site, *names), clock=clock)
    asking = attempt(url=site.url())
    asking.workflow_key = "checks"
    assert (await one.run(asking))["body"] == "inside"
    clock.now += 1
    other = attempt(url=site.url())
    other.workflow_key = "nosy"
    if names == ("*",):
        assert (await one.run(other))["body"] == "inside"
    else:
        await refusal(one, other)
        assert site.connections == 1


async def test_an_entry_with_its_port_allows_it_to_all(site, handler, attempt) -> None:
    site.pages["/"] = answer(body=b"inside")
    options = own(site, allowed_hosts=frozenset({f"127.0.0.1:{site.port}"}))
    assert (await handler(options).run(attempt(url=site.url())))["body"] == "inside"


async def test_a_redirect_to_the_service_is_not_followed_for_a_workflow_that_is_named(
    open_site, site, handler, attempt
) -> None:
    outside = await open_site()
    outside.pages["/"] = answer(307, headers={"Location": site.url()})
    one = handler(own(site, "checks", allow_private=True))
    asking = attempt(url=outside.url())
    asking.workflow_key = "checks"
    await refusal(one, asking)
    assert site.connections == 0


class Dialled:
    """Notes what would be dialled; addresses in `dead` do not answer."""

    def __init__(self, *dead: str) -> None:
        self.dialled: list[tuple[str, int]] = []
        self._dead = dead

    async def __call__(self, address: str, port: int, tls: ssl.SSLContext | None, name: str) -> SocketStream:
        self.dialled.append((address, port))
        if address in self._dead:
            raise ConnectionRefusedError("no route")
        return SocketStream()


def plain(host: str, port: int = 80) -> Origin:
    return Origin(host, port, is_secure=False, tenant="default")


@pytest.mark.parametrize("entry", ["::1", "[::1]", "[::1]:8080"])
async def test_an_ipv6_address_can_be_allowed_in_its_usual_forms(entry) -> None:
    dial = Dialled()
    await GuardedNetwork(allowed(entry), dial=dial).connect(plain("::1", 8080))
    assert dial.dialled == [("::1", 8080)]


async def test_the_address_that_was_checked_is_dialled_although_the_name_changes() -> None:
    turns = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(turns)

    dial = Dialled()
    guarded = GuardedNetwork(CLOSED, rebinding, dial=dial)
    await guarded.connect(plain("rebinding.example"))
    assert dial.dialled == [("93.184.216.34", 80)]
    with pytest.raises(TaskError, match=r"rebinding\.example has the address 127\.0\.0\.1, a loopback address"):
        await guarded.connect(plain("rebinding.example"))
    assert dial.dialled == [("93.184.216.34", 80)]


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    dial = Dialled("93.184.216.34")
    guarded = GuardedNetwork(CLOSED, answers(two=["93.184.216.34", "1.1.1.1"]), dial=dial)
    await guarded.connect(plain("two.example", 443))
    assert dial.dialled == [("93.184.216.34", 443), ("1.1.1.1", 443)]
    with pytest.raises(httpx.ConnectError, match="the host has no address"):
        await GuardedNetwork(CLOSED, answers(none=[]), dial=dial).connect(plain("none.example"))


async def hang(*_) -> None:
    await asyncio.Event().wait()


async def test_a_resolver_that_hangs_is_a_connect_timeout() -> None:
    guarded = GuardedNetwork(CLOSED, hang, dial=Dialled(), connect_seconds=0.05)
    with pytest.raises(httpx.ConnectTimeout, match=r"slow\.example did not resolve in time"):
        await guarded.connect(plain("slow.example"))


async def test_an_address_that_hangs_is_a_connect_timeout() -> None:
    guarded = GuardedNetwork(CLOSED, answers(slow=["1.1.1.1"]), dial=hang, connect_seconds=0.05)
    with pytest.raises(httpx.ConnectTimeout, match=r"1\.1\.1\.1 did not accept the connection in time"):
        await guarded.connect(plain("slow.example"))


async def test_certificates_that_cannot_be_read_fail_for_good_and_name_the_setting(
    handler, attempt, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    error = await failure(handler(), attempt(url="https://127.0.0.1:1/"))
    assert (error.code, error.retryable) == ("http_connection", False)
    assert error.message.startswith("the certificates that SSL_CERT_FILE names cannot be read: [Errno 2]")


async def test_ssl_cert_file_names_the_authorities_that_are_trusted(
    open_site, handler, attempt, certificate, monkeypatch
) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    site = await open_site(server)
    site.pages["/"] = answer(body=b"private")
    options, resolve = allowed("inside.example"), answers(inside=["127.0.0.1"])
    call = attempt(url=site.url(host="inside.example", scheme="https"))
    assert "CERTIFICATE_VERIFY_FAILED" in (await failure(handler(options, resolve=resolve), call)).message
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert (await handler(options, resolve=resolve).run(call))["body"] == "private"


async def test_tls_is_spoken_with_the_name_although_an_address_is_dialled(
    open_site, handler, attempt, certificate
) -> None:
    asked: list[str | None] = []
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate)
    server.sni_callback = lambda _socket, name, _context: asked.append(name)
    site = await open_site(server)
    site.pages["/"] = answer(body=b"private")

    one = handler(
        allowed("inside.example", "wrong.example"),
        resolve=answers(inside=["127.0.0.1"], wrong=["127.0.0.1"]),
        make_tls=lambda: ssl.create_default_context(cafile=str(certificate)),
    )
    output = await one.run(attempt(url=site.url(host="inside.example", scheme="https")))
    assert (output["body"], asked) == ("private", ["inside.example"])
    assert site.calls[0].headers["host"] == f"inside.example:{site.port}"

    with pytest.raises(TaskError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        await one.run(attempt(url=site.url(host="wrong.example", scheme="https")))
    assert caught.value.code == "http_connection"
    assert len(site.calls) == 1
