"""The keys of an identity provider: when they are fetched, how long they count, and which of them."""

import asyncio
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.adapters.tokens.algorithms import algorithms_of_secret, public_key
from app.adapters.tokens.signing_keys import FRESH_SECONDS, PAUSE_SECONDS, STALE_SECONDS, PublishedKeys, parse_key_set
from app.domain.errors import Unauthenticated, Unavailable

RSA = rsa.generate_private_key(65537, 2048).public_key()
WEAK = rsa.generate_private_key(65537, 1024).public_key()
EC = ec.generate_private_key(ec.SECP256R1()).public_key()
ODD_EC = ec.generate_private_key(ec.SECP256K1()).public_key()
ED = ed25519.Ed25519PrivateKey.generate().public_key()


def jwk(key: Any, **fields: Any) -> dict[str, Any]:
    kinds = ((rsa.RSAPublicKey, RSAAlgorithm), (ec.EllipticCurvePublicKey, ECAlgorithm))
    algorithm: Any = next((algorithm for kind, algorithm in kinds if isinstance(key, kind)), OKPAlgorithm)
    return json.loads(algorithm.to_jwk(key)) | fields


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


class Provider:
    """Answers with `content`, or raises it."""

    def __init__(self, *kids: str) -> None:
        self.content: bytes | Exception = b""
        self.publish(*kids)
        self.fetches = 0
        self.time = 1_000.0

    def publish(self, *kids: str) -> None:
        self.content = key_set(*(jwk(RSA, kid=kid) for kid in kids))

    async def fetch(self, url: str) -> bytes:
        assert url == "https://id.example/keys"
        self.fetches += 1
        if isinstance(self.content, Exception):
            raise self.content
        return self.content

    def keys(self) -> PublishedKeys:
        return PublishedKeys("https://id.example/keys", self.fetch, lambda: self.time)


async def is_known(keys: PublishedKeys, kid: str | None) -> bool:
    try:
        await keys.key(kid)
    except Unauthenticated:
        return False
    return True


async def test_keys_are_fetched_once_and_again_when_they_are_old():
    provider = Provider("a")
    keys = provider.keys()
    for _ in range(3):
        assert await is_known(keys, "a")
    provider.time += FRESH_SECONDS - 1
    assert await is_known(keys, "a")
    assert provider.fetches == 1
    provider.publish("b")
    provider.time += 1
    assert not await is_known(keys, "a"), "a key that is no longer published does not count"
    assert await is_known(keys, "b")
    assert provider.fetches == 2


async def test_an_unknown_key_id_fetches_but_not_often():
    provider = Provider("a")
    keys = provider.keys()
    assert await is_known(keys, "a")
    provider.publish("a", "b")
    provider.time += PAUSE_SECONDS
    assert await is_known(keys, "b")
    assert provider.fetches == 2
    for number in range(50):
        assert not await is_known(keys, f"invented {number}")
    provider.time += PAUSE_SECONDS - 1
    assert not await is_known(keys, "invented")
    assert provider.fetches == 2
    provider.time += 1
    assert not await is_known(keys, "invented")
    assert provider.fetches == 3


async def test_a_provider_that_is_slow_delays_no_other_token_of_a_known_key():
    provider = Provider("a")
    asked, answers = asyncio.Event(), asyncio.Event()

    async def fetch(url: str) -> bytes:
        asked.set()
        await answers.wait()
        return await provider.fetch(url)

    keys = PublishedKeys("https://id.example/keys", fetch, lambda: provider.time)
    answers.set()
    assert await is_known(keys, "a")
    provider.time += FRESH_SECONDS
    asked.clear()
    answers.clear()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(is_known(keys, "a"))
        await asked.wait()
        unknown = group.create_task(is_known(keys, "b"))
        assert await asyncio.wait_for(is_known(keys, "a"), 20)
        assert not first.done()
        answers.set()
    assert first.result()
    assert not unknown.result()
    assert provider.fetches == 2


@pytest.mark.parametrize(
    "failure", [OSError("unreachable"), TimeoutError(), b"<html>", b"{}", b'{"keys": []}', b"[" * 99]
)
async def test_known_keys_go_on_for_a_day_while_the_provider_fails(failure: bytes | Exception):
    provider = Provider("a")
    keys = provider.keys()
    assert await is_known(keys, "a")
    provider.content = failure
    provider.time += FRESH_SECONDS
    assert await is_known(keys, "a")
    assert await is_known(keys, "a")
    assert provider.fetches == 2, "it is not asked again at once"
    provider.time += STALE_SECONDS - FRESH_SECONDS
    with pytest.raises(Unavailable):
        await keys.key("a")
    provider.publish("a")
    provider.time += PAUSE_SECONDS
    assert await is_known(keys, "a")


async def test_without_any_keys_it_is_not_known_whether_a_token_is_valid():
    provider = Provider()
    provider.content = OSError()
    with pytest.raises(Unavailable):
        await provider.keys().key("a")


async def test_a_token_without_a_key_id_is_meant_for_an_only_key():
    assert await is_known(Provider("a").keys(), None)
    assert not await is_known(Provider("a", "b").keys(), None)


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (jwk(RSA), ("RS256", "RS384", "RS512")),
        (jwk(RSA, alg="RS384"), ("RS384",)),
        (jwk(EC), ("ES256",)),
        (jwk(EC, use="sig", alg="ES256"), ("ES256",)),
        (jwk(ED), ("EdDSA",)),
    ],
)
def test_the_algorithms_follow_from_the_key(key: dict[str, Any], algorithms: tuple[str, ...]):
    (found,) = parse_key_set(key_set(key | {"kid": "a"})).values()
    assert found.algorithms == algorithms


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0" * 8},
        {"kty": "oct", "k": "c2VjcmV0" * 8, "alg": "HS256", "use": "sig"},
        jwk(RSA, use="enc"),
        jwk(RSA, alg="HS256"),
        jwk(RSA, alg="none"),
        jwk(EC, alg="RS256"),
        jwk(WEAK),
        jwk(ODD_EC),
        jwk(RSA, kid=7),
        {"kty": "RSA"},
        {"kty": []},
        {},
    ],
)
def test_other_keys_do_not_count(key: dict[str, Any]):
    assert set(parse_key_set(key_set({"kid": "bad"} | key, jwk(ED, kid="good")))) == {"good"}
    with pytest.raises(ValueError, match="no key that verifies"):
        parse_key_set(key_set({"kid": "bad"} | key))


def test_a_longer_secret_has_more_algorithms():
    assert algorithms_of_secret(b"x" * 31) == ()
    assert algorithms_of_secret(b"x" * 32) == ("HS256",)
    assert algorithms_of_secret(b"x" * 64) == ("HS256", "HS384", "HS512")


@pytest.mark.parametrize("text", ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_text_that_is_not_a_public_key(text: str):
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the library's
        public_key(text)
