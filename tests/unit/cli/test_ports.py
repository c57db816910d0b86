import socket

import pytest

from app.cli.errors import CliError
from app.cli.local.tcp_ports import listenable_port, reachable_host


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("fe80::1", "[fe80::1]"),
    ],
)
def test_an_address_for_urls(host, reached):
    assert reachable_host(host) == reached


def test_port_0_becomes_a_free_one():
    port = listenable_port("GRPC", "127.0.0.1", 0)
    assert listenable_port("GRPC", "127.0.0.1", port) == port


def test_a_port_in_use_is_named_with_its_setting():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CliError, match=f"port {port} of 127.0.0.1 cannot be used: .* set GRPC_PORT"):
            listenable_port("GRPC", "127.0.0.1", port)


def test_a_host_that_does_not_exist_is_named_with_its_setting():
    with pytest.raises(CliError, match=r"GRPC_HOST 'no\.such\.host\.invalid' is not an address"):
        listenable_port("GRPC", "no.such.host.invalid", 0)
