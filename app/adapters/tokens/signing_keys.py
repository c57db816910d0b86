"""The keys that verify tokens: one that a setting has, or those that an identity provider publishes (RFC 7517)."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import orjson
import structlog
from jwt import PyJWK, PyJWTError

from app.adapters.tokens.algorithms import PublicKey, algorithms_of
from app.domain.errors import Unauthenticated, Unavailable

log = structlog.get_logger(__name__)

FRESH_SECONDS = 600.0
PAUSE_SECONDS = 30.0
STALE_SECONDS = 86_400.0
FETCH_SECONDS = 5.0
LARGEST_SET = 1_048_576


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key, and the algorithms that it may verify.

    key: a public key, or the bytes of a shared secret.
    algorithms: their names in tokens.
    """

    key: PublicKey | bytes
    algorithms: tuple[str, ...]

    def __repr__(self) -> str:
        return f"SigningKey({self.algorithms})"


class SigningKeys(Protocol):
    async def key(self, kid: str | None) -> SigningKey:
        """The key with this id. Raise `Unauthenticated` if there is none, `Unavailable` if that is not known."""


class OneKey:
    """The key of a setting. It verifies every token, whatever key id the token names."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    async def key(self, kid: str | None) -> SigningKey:
        return self._key


class PublishedKeys:
    """The keys at a URL.

    They are fetched again when they are `FRESH_SECONDS` old, or when a token names another one: keys are changed at any
    time. They are not fetched more often than every `PAUSE_SECONDS`, because anyone can send tokens with invented key
    ids. While the URL does not answer, the known keys are used until they are `STALE_SECONDS` old. Only the token that
    causes a fetch waits for it, and those whose key is not known.

    url: where the key set is.
    fetch: reads it; raises `OSError`, `httpx.HTTPError` or `ValueError`.
    monotonic: seconds on a clock that is never set.
    """

    def __init__(self, url: str, fetch: Callable[[str], Any], monotonic: Callable[[], float]) -> None:
        self._url = url
        self._fetch = fetch
        self._monotonic = monotonic
        self._keys: Mapping[str | None, SigningKey] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def key(self, kid: str | None) -> SigningKey:
        if not self._knows(kid) and not (self._fetching.locked() and self._named(kid) is not None):
            async with self._fetching:  # one fetch for all that wait
                if not self._knows(kid) and self._monotonic() - self._tried_at >= PAUSE_SECONDS:
                    await self._refresh()
        age = self._monotonic() - self._fetched_at
        if age >= STALE_SECONDS:
            raise Unavailable("the keys of the identity provider cannot be fetched, so no token can be verified")
        found = self._named(kid)
        if found is None:
            raise Unauthenticated("the token is signed with a key that the identity provider does not publish")
        return found

    def _knows(self, kid: str | None) -> bool:
        return self._named(kid) is not None and self._monotonic() - self._fetched_at < FRESH_SECONDS

    def _named(self, kid: str | None) -> SigningKey | None:
        """The key with the id. A token that names none can only be meant for an only key."""
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if kid is not None else None

    async def _refresh(self) -> None:
        self._tried_at = self._monotonic()
        try:
            self._keys = parse_key_set(await self._fetch(self._url))
        except (OSError, httpx.HTTPError, ValueError) as error:
            log.warning("jwks_not_fetched", url=self._url, reason=str(error) or type(error).__name__)
            return
        self._fetched_at = self._monotonic()
        log.info("jwks_fetched", url=self._url, keys=len(self._keys))


def parse_key_set(content: bytes) -> Mapping[str | None, SigningKey]:
    """The keys of a set that verify signatures, by their ids. Others are left out, and so is every shared secret, since
    it is published. Raise `ValueError` for any other text, and for a set without a usable key.
    """
    document = orjson.loads(content)
    items = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise ValueError("the text is not a key set: it has no list `keys`")  # noqa: TRY004 - a wrong text, not a wrong type
    keys: dict[str | None, SigningKey] = {}
    for item in items:
        if isinstance(item, dict) and (key := _signing_key(item)) is not None:
            keys[item.get("kid")] = key
    if not keys:
        raise ValueError("the key set has no key that verifies RS, ES or EdDSA signatures")
    return keys


def _signing_key(item: Mapping[str, Any]) -> SigningKey | None:
    kid = item.get("kid")
    if item.get("kty") == "oct" or item.get("use", "sig") != "sig" or not isinstance(kid, str | None):
        return None
    try:
        key = PyJWK.from_dict({name: value for name, value in item.items() if name != "alg"}).key
    except PyJWTError:
        return None
    algorithms = algorithms_of(key)
    if "alg" in item:
        algorithms = tuple(name for name in algorithms if name == item["alg"])
    return SigningKey(key, algorithms) if algorithms else None


async def fetch_key_set(url: str) -> bytes:
    """Read a key set. Raise `httpx.HTTPError`, or `ValueError` for one that is too large."""
    async with (
        httpx.AsyncClient(timeout=FETCH_SECONDS) as client,
        asyncio.timeout(FETCH_SECONDS),
        client.stream("GET", url, headers={"Accept": "application/json"}) as response,
    ):
        response.raise_for_status()
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > LARGEST_SET:
                raise ValueError(f"the key set has more than {LARGEST_SET} bytes")
    return bytes(content)
