"""Both ports with TLS, as a user starts and calls them: real processes, certificates that were made for the test."""

import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.acceptance.test_up import PATIENCE_SECONDS, Up, command, refused, running
from tests.support.certificates import Pair, self_signed, signed
from tests.support.processes import REPOSITORY
from tests.support.tenant import needs_default

pytestmark = needs_default("starts the service on an empty database, which has no key")


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    return self_signed(tmp_path, "authority.example")


def settings(pair: Pair) -> dict[str, str]:
    return {"TLS_CERTIFICATE": str(pair.certificate), "TLS_KEY": str(pair.key)}


def health_check(up: Up, **environment: str) -> int:
    """The exit code of the health check that containers use."""
    words = [sys.executable, "-m", "app.api.grpc.health_check"]
    own = {"GRPC_PORT": up.grpc.rpartition(":")[2], "PYTHONPATH": str(REPOSITORY), **environment}
    return subprocess.run(words, env={**os.environ, **own}, capture_output=True, timeout=PATIENCE_SECONDS).returncode


def asked(up: Up, credentials: grpc.ChannelCredentials) -> int:
    """The status of the gRPC server; `grpc.RpcError` if it does not admit the client."""
    name = (("grpc.ssl_target_name_override", "flows.example"), ("grpc.use_local_subchannel_pool", 1))
    with grpc.secure_channel(up.grpc.removeprefix("https://"), credentials, options=name) as channel:
        reply = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_SECONDS)
    return reply.status


def spoken_in_plain(up: Up) -> bytes:
    host, _, port = up.rest.removeprefix("https://").rpartition(":")
    with socket.create_connection((host, int(port)), PATIENCE_SECONDS) as caller:
        caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try:
            return caller.recv(100)
        except ConnectionResetError:
            return b""


def test_a_certificate_of_its_own_is_enough_for_everything_on_this_machine(tmp_path: Path):
    """Its name is not one of this machine."""
    pair = self_signed(tmp_path, "flows.example")
    with running(tmp_path, **settings(pair)) as up:
        assert up.rest.startswith("https://127.0.0.1:")
        assert f"curl -s --cacert {pair.certificate} {up.rest}/workflows" in up.greeting
        assert spoken_in_plain(up) == b""
        assert "parallel-groups" in command(tmp_path, "workflows").stdout
        assert command(tmp_path, "run", "parallel-groups", "--quiet").returncode == 0
        assert health_check(up, **settings(pair)) == 0
        assert health_check(up) == 1
        strangers = self_signed(tmp_path, "stranger.example").certificate
        for words in (("workflows",), ("list",)):
            other = command(tmp_path, *words, WORKFLOW_TLS_CA=str(strangers))
            assert other.returncode == 2
            assert "not trusted; WORKFLOW_TLS_CA names" in other.stderr
        context = ssl.create_default_context(cafile=pair.certificate)
        address = ("127.0.0.1", int(up.rest.rpartition(":")[2]))
        with (
            socket.create_connection(address, PATIENCE_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname="flows.example") as secure,
        ):
            assert secure.version() == "TLSv1.3"


def test_grpc_admits_only_clients_with_a_certificate_if_an_authority_is_named(tmp_path: Path, authority: Pair):
    own, client = signed(tmp_path, "flows.example", authority), signed(tmp_path, "client.example", authority)
    stranger = self_signed(tmp_path, "stranger.example")
    trusted = authority.certificate.read_bytes()
    with running(tmp_path, "--no-examples", **settings(own), GRPC_CLIENT_CA=str(authority.certificate)) as up:
        shown = (client.key.read_bytes(), client.certificate.read_bytes())
        assert asked(up, grpc.ssl_channel_credentials(trusted, *shown)) == health_pb2.HealthCheckResponse.SERVING
        for pair in ((None, None), (stranger.key.read_bytes(), stranger.certificate.read_bytes())):
            with pytest.raises(grpc.RpcError) as caught:
                asked(up, grpc.ssl_channel_credentials(trusted, *pair))
            assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert health_check(up, **settings(own)) == 0
        assert command(tmp_path, "list").returncode == 0
        chosen = {"WORKFLOW_TLS_CERTIFICATE": str(client.certificate), "WORKFLOW_TLS_KEY": str(client.key)}
        assert command(tmp_path, "list", **chosen).returncode == 0
        other = {"WORKFLOW_TLS_CERTIFICATE": str(stranger.certificate), "WORKFLOW_TLS_KEY": str(stranger.key)}
        assert command(tmp_path, "list", **other).returncode == 2


def test_a_certificate_that_cannot_be_used_is_found_before_anything_is_started(tmp_path: Path):
    pair, other = self_signed(tmp_path, "flows.example"), self_signed(tmp_path, "other.example")
    before = sorted(tmp_path.iterdir())
    complaint = refused(tmp_path, TLS_CERTIFICATE=str(pair.certificate), TLS_KEY=str(other.key))
    assert f"TLS_KEY '{other.key}' does not belong to TLS_CERTIFICATE '{pair.certificate}'" in complaint
    assert sorted(tmp_path.iterdir()) == before
