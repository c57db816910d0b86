"""Sessions of the dashboard: begun with a key or token, kept in a cookie, ended with the key."""

import asyncio
import time
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie

import httpx
import jwt
import pytest
from pydantic import SecretStr

from app.config import Settings
from app.domain.errors import Unauthenticated
from app.domain.permissions import AUTHENTICATED, Role
from tests.support.callers import Keys, bearer
from tests.support.rest_service import serving
from tests.support.tenant import needs_default

pytestmark = needs_default("makes its own keys")

OWN = {"Sec-Fetch-Site": "same-origin"}
COOKIE = "workflow_session"


async def begun(rest: httpx.AsyncClient, credential: str) -> Morsel[str]:
    """The cookie of a new session. The client does not keep it."""
    answer = await rest.post("/ui/session", headers=bearer(credential))
    assert answer.status_code == 204, answer.text
    rest.cookies.clear()
    return SimpleCookie(answer.headers["set-cookie"])[COOKIE]


def sent(cookie: str) -> dict[str, str]:
    return {"Cookie": f"theme=dark; {COOKIE}={cookie}"}


async def test_a_session_may_do_what_its_key_may_do(rest: httpx.AsyncClient, keys: Keys) -> None:
    key = await keys.of_role(Role.VIEWER, lifetime_seconds=None)
    cookie = await begun(rest, key)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert 43_190 <= int(cookie["max-age"]) <= 43_200
    of_session = (await rest.get("/api/v1/me", headers=sent(cookie.value))).json()
    of_key = (await rest.get("/api/v1/me", headers=bearer(key))).json()
    assert of_key["expires_at"] is None
    assert of_session["expires_at"] is not None
    assert of_session | {"expires_at": None} == of_key
    refused = await rest.post("/api/v1/workflows", json={"name": "n"}, headers=sent(cookie.value) | OWN)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize(("proxies", "secure"), [("127.0.0.1", True), ("", "")])
async def test_the_cookie_of_an_encrypted_connection_stays_there(
    settings: Settings, keys: Keys, proxies: str, *, secure: bool | str
) -> None:
    async with serving(settings.model_copy(update={"trusted_proxies": proxies})) as rest:
        headers = bearer(await keys.of_role(Role.VIEWER)) | {"X-Forwarded-Proto": "https"}
        answer = await rest.post("/ui/session", headers=headers)
        assert SimpleCookie(answer.headers["set-cookie"])[COOKIE]["secure"] == secure


async def test_a_session_ends_no_later_than_its_key(rest: httpx.AsyncClient, keys: Keys) -> None:
    cookie = await begun(rest, await keys.of_role(Role.VIEWER, lifetime_seconds=60.0))
    assert 1 <= int(cookie["max-age"]) <= 60


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (OWN, 201),
        ({"Origin": "http://{host}"}, 201),
        ({}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "http://{host}0"}, 403),
    ],
)
async def test_what_changes_something_must_come_from_an_own_page(
    rest: httpx.AsyncClient, keys: Keys, headers: dict[str, str], status: int
) -> None:
    cookie = await begun(rest, await keys.of_role(Role.EDITOR))
    given = {name: value.format(host=rest.base_url.netloc.decode()) for name, value in headers.items()}
    answer = await rest.post("/api/v1/workflows", json={"name": "n"}, headers=sent(cookie.value) | given)
    assert answer.status_code == status, answer.text
    assert status == 201 or answer.json()["code"] == "foreign_origin"
    read = await rest.get("/api/v1/workflows", headers=sent(cookie.value))
    assert read.status_code == 200


async def test_a_header_counts_before_the_cookie(rest: httpx.AsyncClient, keys: Keys) -> None:
    cookie = await begun(rest, await keys.of_role(Role.VIEWER))
    editor = bearer(await keys.of_role(Role.EDITOR))
    answer = await rest.post("/api/v1/workflows", json={"name": "n"}, headers=sent(cookie.value) | editor)
    assert answer.status_code == 201


async def test_a_revoked_key_ends_its_sessions(rest: httpx.AsyncClient, keys: Keys) -> None:
    key = await keys.of_role(Role.VIEWER)
    cookie = await begun(rest, key)
    assert (await rest.get("/api/v1/me", headers=sent(cookie.value))).status_code == 200
    await keys.revoke(key)
    async with asyncio.timeout(30):
        while (await rest.get("/api/v1/me", headers=sent(cookie.value))).status_code != 401:
            await asyncio.sleep(0.1)


async def test_signing_out_ends_the_session(rest: httpx.AsyncClient, keys: Keys) -> None:
    key = await keys.of_role(Role.VIEWER)
    cookie, other = await begun(rest, key), await begun(rest, key)
    ended = await rest.delete("/ui/session", headers=sent(cookie.value) | OWN)
    assert ended.status_code == 204
    assert SimpleCookie(ended.headers["set-cookie"])[COOKIE]["max-age"] == "0"
    async with asyncio.timeout(30):
        while (await rest.get("/api/v1/me", headers=sent(cookie.value))).status_code != 401:
            await asyncio.sleep(0.1)
    assert (await rest.get("/api/v1/me", headers=sent(other.value))).status_code == 200


async def test_signing_out_ends_the_long_calls_of_the_session(rest: httpx.AsyncClient, keys: Keys) -> None:
    key = await keys.of_role(Role.VIEWER)
    cookie, other = await begun(rest, key), await begun(rest, key)
    identity = rest._transport.app.state.services.identity  # type: ignore[attr-defined]

    calls = asyncio.Barrier(3)

    async def last(value: str) -> None:
        caller = await identity.admission.admit(AUTHENTICATED, [b"Bearer " + value.encode()])
        async with identity.long_calls.lasting(caller):
            await calls.wait()
            await asyncio.Event().wait()

    ending, lasting = asyncio.create_task(last(cookie.value)), asyncio.create_task(last(other.value))
    await calls.wait()
    await rest.delete("/ui/session", headers=sent(cookie.value) | OWN)
    async with asyncio.timeout(30):
        with pytest.raises(Unauthenticated, match="session"):
            await ending
    assert not lasting.done()
    lasting.cancel()


async def test_a_session_cannot_be_prolonged_by_itself(rest: httpx.AsyncClient, keys: Keys) -> None:
    cookie = await begun(rest, await keys.of_role(Role.VIEWER))
    answer = await rest.post("/ui/session", headers=sent(cookie.value) | OWN)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_a_session_that_has_ended_is_of_no_use(rest: httpx.AsyncClient, keys: Keys) -> None:
    key = await keys.of_role(Role.VIEWER)
    cookie = await begun(rest, key)
    await keys.execute("UPDATE ui_sessions SET expires_at = clock_timestamp()")
    assert (await rest.get("/api/v1/me", headers=sent(cookie.value))).status_code == 401
    await begun(rest, key)
    assert await keys.value("SELECT count(*) FROM ui_sessions") == 1


async def test_wrong_credentials_begin_nothing(rest: httpx.AsyncClient, keys: Keys) -> None:
    for headers in ({}, bearer("wfk_12345678_" + "a" * 43), sent("wfs_" + "a" * 43)):
        answer = await rest.post("/ui/session", headers=headers | OWN)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


async def test_both_ends_are_audited_and_the_text_is_stored_nowhere(rest: httpx.AsyncClient, keys: Keys) -> None:
    key = await keys.of_role(Role.ADMIN)
    cookie = await begun(rest, key)
    await rest.delete("/ui/session", headers=sent(cookie.value) | OWN)
    entries = (await rest.get("/api/v1/audit", headers=bearer(key))).json()["items"]
    assert {"session.begin", "session.end"} <= {entry["action"] for entry in entries}
    stored = await keys.value("SELECT string_agg(s::text, ' ') FROM (SELECT row_to_json(u) s FROM ui_sessions u) t")
    assert stored is None or cookie.value not in stored


SECRET = "a-secret-of-the-identity-provider-of-tests"


@pytest.fixture
async def with_tokens(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    accepted = {"jwt_issuer": "https://id.example", "jwt_audience": "workflow", "jwt_secret": SecretStr(SECRET)}
    async with serving(settings.model_copy(update=accepted)) as client:
        yield client


def token(role: str, seconds: int) -> str:
    named = {"iss": "https://id.example", "aud": "workflow", "sub": "ada", "roles": [role, "refunders"]}
    return jwt.encode(named | {"exp": int(time.time()) + seconds}, SECRET, "HS256")


async def test_a_session_of_a_token_has_its_role_and_groups_and_ends_with_it(
    with_tokens: httpx.AsyncClient, keys: Keys
) -> None:
    of_viewer = token("viewer", 600)
    cookie = await begun(with_tokens, of_viewer)
    assert 500 <= int(cookie["max-age"]) <= 600
    of_session = (await with_tokens.get("/api/v1/me", headers=sent(cookie.value))).json()
    of_token = (await with_tokens.get("/api/v1/me", headers=bearer(of_viewer))).json()
    assert of_session | {"expires_at": None} == of_token | {"expires_at": None}
    assert (of_session["principal"], of_session["groups"]) == ("token:ada", ["refunders"])
    refused = await with_tokens.post("/api/v1/workflows", json={"name": "n"}, headers=sent(cookie.value) | OWN)
    assert refused.status_code == 403
    await keys.execute("UPDATE tenants SET suspended_at = clock_timestamp()")
    async with asyncio.timeout(30):
        while (await with_tokens.get("/api/v1/me", headers=sent(cookie.value))).status_code != 403:
            await asyncio.sleep(0.1)
