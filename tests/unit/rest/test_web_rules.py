"""Which requests are refused because of the page or the name that they come from."""

import pytest

from app.api.rest.web_rules import REMEMBERED, Sender, WebRules
from app.config import Settings

HERE = b"127.0.0.1:8000"
OPEN = WebRules()
SHARED = WebRules(origins=frozenset({"https://ui.example.com"}))
CHANGES = ("POST", "PUT", "PATCH", "DELETE")


def status(rules: WebRules, method: str, **headers: bytes) -> int | None:
    refused = rules.refusal(method, Sender(**headers))
    return None if refused is None else refused.status


@pytest.mark.parametrize("method", CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": b"http://evil.example"},
        {"origin": b"null"},
        {"origin": b""},
        {"origin": b"http://127.0.0.1:3000"},
        {"origin": b"http://localhost:8000"},
        {"origin": b"http://127.0.0.1:8000.evil.example"},
        {"origin": b"\xff\xfe"},
        {"site": b"cross-site"},
        {"site": b"same-site", "origin": b"http://127.0.0.1:3000"},
        {"site": b"nonsense"},
        {"site": b"cross-site", "origin": b"http://127.0.0.1:8000"},
    ],
    ids=str,
)
def test_pages_of_other_origins_change_nothing(method: str, headers: dict[str, bytes]):
    assert status(OPEN, method, host=HERE, **headers) == 403


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", *CHANGES])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": b"http://127.0.0.1:8000"},
        {"origin": b"https://127.0.0.1:8000"},  # a proxy in front ends TLS
        {"site": b"same-origin", "origin": b"http://127.0.0.1:8000"},
        {"site": b"same-origin", "origin": b"https://public.example"},  # a proxy in front sets another Host
        {"site": b"none"},
    ],
    ids=str,
)
def test_pages_of_this_origin_and_other_clients_notice_nothing(method: str, headers: dict[str, bytes]):
    assert status(OPEN, method, host=HERE, **headers) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_left_to_the_browser(method: str):
    assert status(OPEN, method, host=HERE, origin=b"http://evil.example", site=b"cross-site") is None


def test_an_origin_that_is_named_may_change_things():
    assert status(SHARED, "POST", host=HERE, origin=b"https://ui.example.com", site=b"cross-site") is None
    for foreign in (b"http://ui.example.com", b"https://ui.example.com.evil.example", b"https://UI.example.com:444"):
        assert status(SHARED, "POST", host=HERE, origin=foreign) == 403


def hosts(**settings: str) -> WebRules:
    return WebRules(Settings(_env_file=None, **settings).service_hosts)


ON_LOOPBACK = [
    "localhost",
    "localhost:8000",
    "LOCALHOST",
    "localhost.",
    "a.localhost:1",
    "127.0.0.1:8000",
    "[::1]:8000",
]


@pytest.mark.parametrize("host", [*ON_LOOPBACK, "127.8.9.1"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_names_of_this_machine_are_always_allowed(method: str, host: str):
    for rules in (hosts(), hosts(allowed_hosts="example.com"), hosts(fastapi_host="::1")):
        assert status(rules, method, host=host.encode()) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.5:8000",
        "[fe80::1]",
        "[::1",
        "",
        "x" * 50_000,
        "\xff",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_other_names_are_refused_on_loopback(method: str, host: str):
    expected = None if host == "[::1" else 421
    assert status(hosts(), method, host=host.encode("latin-1")) == expected


def test_elsewhere_every_name_is_allowed_unless_names_are_set():
    assert status(hosts(fastapi_host="0.0.0.0"), "GET", host=b"any.example") is None
    rules = hosts(fastapi_host="10.0.0.5", allowed_hosts=" Flows.example.com , *.intern.example,[FE80::1]")
    for allowed in ("flows.example.com:443", "FLOWS.example.com.", "a.b.intern.example", "10.0.0.5", "[fe80::1]:8000"):
        assert status(rules, "GET", host=allowed.encode()) is None
    for other in ("intern.example", "xintern.example", "example.com", "evil.example"):
        assert status(rules, "GET", host=other.encode()) == 421
    assert status(hosts(allowed_hosts="*"), "GET", host=b"any.example") is None


def test_a_request_without_a_host_is_not_refused_here():
    assert status(hosts(), "GET") is None


@pytest.mark.parametrize("host", [None, b""])
def test_no_page_is_of_a_service_without_a_name(host: bytes | None):
    assert status(OPEN, "POST", host=host, origin=b"null") == 403


def test_names_that_were_seen_do_not_fill_the_memory():
    rules = hosts()
    for number in range(REMEMBERED * 3):
        assert status(rules, "GET", host=b"evil%d.example" % number) == 421
    assert rules._is_named.cache_info().currsize == REMEMBERED
