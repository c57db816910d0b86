"""REDIS_URL is judged at the start, in a sentence that shows no password."""

import re

import pytest
from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection

from app.adapters.cache.redis_cache import open_redis_link
from app.adapters.redis_address import connection_options


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("redis://cache", {"host": "cache"}),
        (" redis://cache:7000/3 ", {"host": "cache", "port": 7000, "db": 3}),
        ("redis://me:p%40ss@cache/0", {"host": "cache", "username": "me", "password": "p@ss", "db": 0}),
        ("redis://cache?db=2&client_name=x", {"host": "cache", "db": 2, "client_name": "x"}),
        ("rediss://cache?ssl_cert_reqs=none", {"host": "cache", "ssl_cert_reqs": "none"}),
        ("unix:///run/redis.sock?db=1", {"path": "/run/redis.sock", "db": 1}),
    ],
)
async def test_a_form_that_can_be_used(url: str, options: dict[str, object]) -> None:
    found = dict(connection_options(url))
    kind = found.pop("connection_class", Connection)
    assert found == options
    assert kind in (Connection, SSLConnection, UnixDomainSocketConnection)
    async with open_redis_link(url, 3) as link:
        assert link._make_connection() is not None


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("redis://cache?decode_responses=true", "has the option 'decode_responses', which is not supported; there are"),
        ("redis://cache?nonsense=1", "has the option 'nonsense'"),
        ("redis://cache?ssl_cert_reqs=none", "has the option 'ssl_cert_reqs'"),
        ("redis://cache?socket_timeout=1", "has the option 'socket_timeout'"),
        ("redis://cache?db=geheim", "which is not a number"),
        ("redis://cache/zero", "names the database 'zero', which is not a number"),
        ("redis://me:geheim@cache:port/0", "is not a valid address; write redis://"),
        ("redis://me:geheim@cache:99999/0", "is not a valid address"),
        ("redis://me:geh#eim@cache", "is not a valid address"),
        ("redis://:geheim@", "names no host"),
        ("redis://", "names no host"),
        ("redis:cache", "names no host"),
        ("unix://", "names no host"),
        ("http://cache", "starts with 'http', which is not supported"),
        ("cache:6379", "starts with 'cache', which is not supported"),
        ("nonsense", "does not say how to connect; write redis://"),
        ("127.0.0.1:6379", "does not say how to connect; write redis://"),
        ("redis://[::1", "is not a valid address"),
    ],
)
def test_a_form_of_no_use_is_a_sentence_without_the_password(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        connection_options(url)
    assert "geheim@" not in str(caught.value)
