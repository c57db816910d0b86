"""Tokens of an identity provider, over both protocols: good ones, and every hostile one that we know of."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

from app.api.grpc.generated import workflow_pb2 as pb
from app.config import Settings
from app.identity.credentials import LONGEST_CREDENTIAL
from app.wiring.identity import role_map, signing_keys
from app.wiring.launch import SettingsError
from tests.support.callers import bearer, metadata
from tests.support.engine_process import RunningServer, running_server
from tests.support.live_service import live_service
from tests.support.rest_service import serving
from tests.support.sockets import socket
from tests.support.tenant import needs_default
from tests.support.walls import urls_for

pytestmark = needs_default("makes its own tenants and keys")

ISSUER, AUDIENCE = "https://id.example/realms/work", "workflow"
OWN = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
PEM = OWN.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
HOUR = 3600


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a viewer, as Keycloak has them. None removes a claim."""
    now = int(time.time())
    found = {"iss": ISSUER, "aud": [AUDIENCE, "account"], "sub": "ada", "iat": now, "exp": now + HOUR}
    found |= {"realm_access": {"roles": ["offline_access", "employees"]}} | changes
    return {name: value for name, value in found.items() if value is not None}


def signed(content: Mapping[str, Any], key: Any = OWN, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode(dict(content), key, algorithm, header)


def by_hand(header: Mapping[str, Any], content: Mapping[str, Any], secret: bytes | None) -> str:
    """A token that PyJWT refuses to make."""
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, content)]
    body = b".".join(parts)
    signature = b"" if secret is None else hmac.new(secret, body, hashlib.sha256).digest()
    return (body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def tampered(token: str) -> str:
    header, _, signature = token.split(".")
    content = base64.urlsafe_b64encode(json.dumps(claims(realm_access={"roles": ["bosses"]})).encode()).rstrip(b"=")
    return f"{header}.{content.decode()}.{signature}"


def subject_of_another_type() -> str:
    """Rightly signed, past PyJWT, which refuses to make it."""
    content = base64.urlsafe_b64encode(json.dumps(claims(sub=7)).encode()).rstrip(b"=").decode()
    body = f"{signed(claims()).partition('.')[0]}.{content}"
    signature = OWN.sign(body.encode(), PKCS1v15(), SHA256())
    return f"{body}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


NOW = int(time.time())
HOSTILE = {
    "none": by_hand({"alg": "none", "typ": "JWT"}, claims(), None),
    "None": by_hand({"alg": "None"}, claims(), None),
    "HS256 with the public key": by_hand({"alg": "HS256", "typ": "JWT"}, claims(), PEM),
    "HS256 with the public key, stripped": by_hand({"alg": "HS256"}, claims(), PEM.strip()),
    "HS256 with nothing": by_hand({"alg": "HS256"}, claims(), b""),
    "no algorithm": by_hand({"typ": "JWT"}, claims(), PEM),
    "PS256": signed(claims(), algorithm="PS256"),
    "ES256": signed(claims(), ec.generate_private_key(ec.SECP256R1()), "ES256"),
    "another key": signed(claims(), OTHER),
    "another key that is in the header": signed(
        claims(), OTHER, jwk=json.loads(RSAAlgorithm.to_jwk(OTHER.public_key()))
    ),
    "tampered": tampered(signed(claims())),
    "no exp": signed(claims(exp=None)),
    "no aud": signed(claims(aud=None)),
    "no iss": signed(claims(iss=None)),
    "no subject": signed(claims(sub=None)),
    "a subject of another type": subject_of_another_type(),
    "an empty part": signed(claims()).replace(".", "..", 1),
    "a deep header": base64.urlsafe_b64encode(b"[" * 9_000).decode().rstrip("=") + ".e30.x",
    "a deep header that is an object": base64.urlsafe_b64encode(b'{"a":' * 2_000).decode().rstrip("=") + ".e30.x",
    "an endless exp": signed(claims(exp=float("inf"))),
    "an exp that is not a number": signed(claims(exp=float("nan"))),
    "foreign issuer": signed(claims(iss="https://id.example/realms/other")),
    "foreign audience": signed(claims(aud="account")),
    "part of the audience": signed(claims(aud="work")),
    "expired": signed(claims(exp=NOW - 60)),
    "expired long ago": signed(claims(exp=1)),
    "exp of another type": signed(claims(exp="tomorrow")),
    "exp as a list": signed(claims(exp=[NOW + HOUR])),
    "not yet valid": signed(claims(nbf=NOW + HOUR)),
    "issued in the future": signed(claims(iat=NOW + HOUR)),
    "critical": signed(claims(), crit=["b64"], b64=False),
    "64 KB": signed(claims(padding="x" * 48_000)),
    "not a token": "a.b.c",
    "one part": "abc",
    "five parts": signed(claims()) + ".x.y",
    "spaces": signed(claims()) + " x",
    "a broken header": "e30." + signed(claims()).split(".", 1)[1],
}


@pytest.fixture
def settings(database_url: str) -> Settings:
    return Settings(
        _env_file=None,
        **urls_for(database_url),
        auth="on",
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        jwt_public_key=PEM.decode(),
        jwt_roles_claim="realm_access.roles",
        jwt_role_map="employees=viewer,operators=operator,bosses=admin",
        jwt_tenant_claim="company",
    )


@pytest.fixture
async def rest(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings) as client:
        yield client


@pytest.fixture
async def server(settings: Settings) -> AsyncIterator[RunningServer]:
    async with running_server(settings) as running:
        yield running


def of_default(**changes: Any) -> str:
    return signed(claims(company="default", **changes))


async def test_a_token_says_who_calls(rest: httpx.AsyncClient):
    token = of_default()
    me = (await rest.get("/me", headers=bearer(token))).json()
    assert (me["principal"], me["role"], me["tenant"], me["key_id"]) == ("token:ada", "viewer", "default", None)
    assert me["expires_at"] is not None
    assert (await rest.get("/workflows", headers=bearer(token))).status_code == 200
    refused = await rest.post("/workflows", json={"name": "n"}, headers=bearer(token))
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert refused.json()["detail"] == "token:ada lacks definitions:write, which the role editor has"


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ({"roles": ["employees", "bosses", "operators"]}, "admin"),
        ({"roles": "operators employees"}, "operator"),
        ({"roles": ["admin", "system", "viewer"]}, None),
        ({"roles": []}, None),
        ({"roles": {"bosses": True}}, None),
        ({"roles": ["bosses ", ["bosses"], 1, None]}, None),
        ("bosses", None),
        (None, None),
    ],
)
async def test_only_the_highest_role_of_the_map_counts(rest: httpx.AsyncClient, roles: Any, role: str | None):
    token = of_default(realm_access=roles)
    me = await rest.get("/me", headers=bearer(token))
    assert (me.status_code, me.json()["role"]) == (200, role)
    assert (await rest.get("/workflows", headers=bearer(token))).status_code == (403 if role is None else 200)


async def test_all_names_of_the_claim_are_groups_but_those_of_roles(rest: httpx.AsyncClient):
    """What is called admin elsewhere is no admin here, also not for the conditions of machines."""
    token = of_default(realm_access={"roles": ["employees", "processor", "admin", "system", 7]})
    me = (await rest.get("/me", headers=bearer(token))).json()
    assert (me["role"], me["groups"]) == ("viewer", ["employees", "processor"])


@pytest.mark.parametrize("tenant", [None, "missing", "", 1, ["default"]])
async def test_a_token_needs_a_tenant_that_exists(rest: httpx.AsyncClient, tenant: Any):
    refused = await rest.get("/me", headers=bearer(signed(claims(company=tenant))))
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_token_is_refused_over_rest(rest: httpx.AsyncClient, name: str):
    for path in ("/me", "/api/v1/workflows"):
        refused = await rest.get(path, headers=bearer(HOSTILE[name]))
        assert refused.status_code == 401, refused.text
        assert refused.json()["code"] in ("credentials_invalid", "credentials_expired")
        assert refused.headers["www-authenticate"] == 'Bearer realm="workflow", error="invalid_token"'


async def test_hostile_tokens_are_refused_over_grpc(server: RunningServer):
    answered = await server.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=metadata(of_default()))
    assert list(answered.executions) == []
    for name, token in HOSTILE.items():
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=metadata(token))
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED, name


async def test_both_protocols_take_a_token_as_long_as_a_credential_may_be(
    rest: httpx.AsyncClient, server: RunningServer
):
    """Providers write the groups of a user into tokens, and some users have hundreds."""
    token = of_default(padding="x" * 11_500)
    assert LONGEST_CREDENTIAL - 1_000 < len(token) <= LONGEST_CREDENTIAL
    for _ in range(5):  # gRPC refuses what is a little too large by chance
        assert (await rest.get("/me", headers=bearer(token))).status_code == 200
        await server.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=metadata(token))


async def test_two_credentials_are_refused_also_if_both_are_valid(rest: httpx.AsyncClient, server: RunningServer):
    token = of_default()
    for headers in (
        [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
        [("Authorization", f"Bearer {token}"), ("x-api-key", token)],
        [("x-api-key", token), ("x-api-key", token)],
    ):
        refused = await rest.get("/me", headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (401, "credentials_invalid")
        sent = tuple((name.lower(), value) for name, value in headers)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await server.stub.ListExecutions(pb.ListExecutionsRequest(), metadata=sent)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic YTpi", "token", "Bearer é", "Bearer a b", "Bearer \t"]
)
async def test_a_header_that_has_another_form(rest: httpx.AsyncClient, value: str):
    refused = await rest.get("/me", headers={"Authorization": value.encode()})
    assert refused.status_code == 401


@pytest.mark.parametrize("end", [10**12, 10**30, 10**400])
async def test_a_token_may_be_valid_beyond_all_calendars(rest: httpx.AsyncClient, end: int):
    me = (await rest.get("/me", headers=bearer(of_default(exp=end)))).json()
    assert me["expires_at"].startswith("9999-12-31")


async def test_the_scheme_may_be_written_in_any_case(rest: httpx.AsyncClient):
    token = of_default()
    for value in (f"bearer {token}", f"BEARER {token}", f"Bearer  {token} "):
        assert (await rest.get("/me", headers={"Authorization": value})).status_code == 200


async def test_a_shared_secret_verifies_only_what_was_signed_with_it(settings: Settings):
    secret = "a secret of thirty-two bytes, yes"
    symmetric = settings.model_copy(update={"jwt_public_key": None, "jwt_secret": None})
    symmetric = Settings(**symmetric.model_dump() | {"jwt_secret": secret}, _env_file=None)
    async with serving(symmetric) as rest:
        good = signed(claims(company="default"), secret, "HS256")
        assert (await rest.get("/me", headers=bearer(good))).status_code == 200
        for bad in (of_default(), signed(claims(company="default"), secret + "!", "HS256"), HOSTILE["none"]):
            assert (await rest.get("/me", headers=bearer(bad))).status_code == 401


async def test_a_key_set_over_http(settings: Settings, tmp_path: Path, serve_file):
    published = json.loads(RSAAlgorithm.to_jwk(OWN.public_key())) | {"kid": "one"}
    url = serve_file(json.dumps({"keys": [published]}).encode())
    fetched = Settings(**settings.model_dump() | {"jwt_public_key": None, "jwt_jwks_url": url}, _env_file=None)
    async with serving(fetched) as rest:
        content = claims(company="default")
        assert (await rest.get("/me", headers=bearer(signed(content, kid="one")))).status_code == 200
        assert (await rest.get("/me", headers=bearer(signed(content, kid="two")))).status_code == 401
        assert (await rest.get("/me", headers=bearer(signed(content, OTHER, kid="one")))).status_code == 401
        serve_file.stop()
        later = signed(claims(company="default", sub="bob"), kid="one")
        assert (await rest.get("/me", headers=bearer(later))).json()["principal"] == "token:bob"


async def test_keys_that_cannot_be_fetched_are_not_the_callers_fault(settings: Settings, unused_port: int):
    url = f"http://127.0.0.1:{unused_port}/keys"
    silent = Settings(**settings.model_dump() | {"jwt_public_key": None, "jwt_jwks_url": url}, _env_file=None)
    async with serving(silent) as rest:
        refused = await rest.get("/me", headers=bearer(of_default()))
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"jwt_public_key": "missing.pem"}, "JWT_PUBLIC_KEY: give a public key as PEM"),
        ({"jwt_public_key": "-----BEGIN PUBLIC KEY-----\\nAAAA"}, "JWT_PUBLIC_KEY: give a public key as PEM"),
        ({"jwt_public_key": None, "jwt_secret": "short"}, "JWT_SECRET has 5 bytes: give 32 or more"),
        ({"jwt_public_key": None, "jwt_jwks_url": "file:///etc/passwd"}, "JWT_JWKS_URL 'file:///etc/passwd'"),
    ],
)
def test_a_key_that_cannot_be_used_stops_the_start(changes: dict[str, Any], sentence: str):
    given = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_public_key": PEM.decode()} | changes
    with pytest.raises(SettingsError, match=sentence):
        signing_keys(Settings(_env_file=None, **given))


def test_a_public_key_may_be_a_file_or_one_line(tmp_path: Path):
    file = tmp_path / "key.pem"
    file.write_bytes(PEM)
    for text in (str(file), PEM.decode(), PEM.decode().replace("\n", "\\n")):
        given = Settings(_env_file=None, jwt_issuer=ISSUER, jwt_audience=AUDIENCE, jwt_public_key=text)
        assert signing_keys(given)


@pytest.mark.parametrize("text", ["employees", "employees=boss", "=admin", "a=admin,b"])
def test_a_role_map_that_cannot_be_read(text: str):
    with pytest.raises(SettingsError, match="JWT_ROLE_MAP"):
        role_map(text)


async def test_sockets_take_tokens_as_the_header_and_as_the_first_message(settings: Settings):
    """Browsers cannot send the header, and their users too have tokens that are long."""
    token = of_default(padding="x" * 11_500)
    async with live_service(settings) as live:
        async with socket(live.port, headers=bearer(token)) as client:
            await client.follow("executions")
        async with socket(live.port, headers={}) as client:
            await client.say("auth", token=token)
            await client.follow("executions")
            await client.send('{"action": "ping"}'.ljust(4_097))
            assert await client.closed() == (1009, [])


@pytest.mark.parametrize("name", ["expired", "another key", "none", "64 KB"])
async def test_a_hostile_token_closes_the_socket(settings: Settings, name: str):
    async with live_service(settings) as live, socket(live.port, headers={}) as client:
        await client.say("auth", token=HOSTILE[name])
        code, heard = await client.closed()
        if name == "64 KB":
            assert (code, heard) == (1009, [])
        else:
            assert (code, heard[-1]["data"]["code"].partition("_")[0]) == (4401, "credentials")
