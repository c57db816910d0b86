"""Where `http` tasks may go: the address that is dialled is the one that was checked, for every hop of a call."""

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import httpcore
import pytest

from app.domain.handlers import TaskError
from app.tasks.http.network import GuardedNetwork
from app.tasks.task_type import HttpOptions
from tests.integration.tasks.site import allowed, answer, answers, failure

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


@pytest.mark.parametrize("entry", ["::1", "[::1]", "[::1]:8080"])
async def test_an_ipv6_address_can_be_allowed_in_its_usual_forms(entry) -> None:
    network = Dialled()
    await GuardedNetwork(allowed(entry), network=network).connect_tcp("::1", 8080)
    assert network.dialled == [("::1", 8080)]


class Dialled(httpcore.AsyncNetworkBackend):
    """Notes what would be dialled; addresses in `dead` do not answer."""

    def __init__(self, *dead: str) -> None:
        self.dialled: list[tuple[str, int]] = []
        self._dead = dead

    async def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self.dialled.append((host, port))
        if host in self._dead:
            raise httpcore.ConnectError("no route")
        return httpcore.AsyncMockStream([])


async def test_the_address_that_was_checked_is_dialled_although_the_name_changes() -> None:
    turns = iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> list[str]:
        return next(turns)

    network = Dialled()
    guarded = GuardedNetwork(CLOSED, rebinding, network)
    await guarded.connect_tcp("rebinding.example", 80)
    assert network.dialled == [("93.184.216.34", 80)]
    with pytest.raises(TaskError, match=r"rebinding\.example has the address 127\.0\.0\.1, a loopback address"):
        await guarded.connect_tcp("rebinding.example", 80)
    assert network.dialled == [("93.184.216.34", 80)]


async def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    network = Dialled("93.184.216.34")
    guarded = GuardedNetwork(CLOSED, answers(two=["93.184.216.34", "1.1.1.1"]), network)
    await guarded.connect_tcp("two.example", 443)
    assert network.dialled == [("93.184.216.34", 443), ("1.1.1.1", 443)]
    with pytest.raises(httpcore.ConnectError, match="the host has no address"):
        await GuardedNetwork(CLOSED, answers(none=[]), network).connect_tcp("none.example", 443)


async def test_a_resolver_that_hangs_is_a_connect_timeout() -> None:
    async def hang(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(httpcore.ConnectTimeout, match=r"slow\.example did not resolve in time"):
        await GuardedNetwork(CLOSED, hang, Dialled()).connect_tcp("slow.example", 80, timeout=0.05)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """A fresh certificate of `inside.example` with its key, which is its own authority."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("tls") / "inside.pem"
    names = ["-subj", "/CN=inside.example", "-addext", "subjectAltName=DNS:inside.example"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(path)]
    subprocess.run(
        ["openssl", "req", "-x509", *key, "-days", "2", *names, "-out", f"{path}.crt"], check=True, capture_output=True
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


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
