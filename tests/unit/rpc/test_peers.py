"""The names that gRPC gives to peers."""

import pytest

from app.api.grpc.gate import peer_address


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:1.2.3.4:5", "1.2.3.4"),
        ("ipv6:[::1]:5", "::1"),
        ("ipv6:%5B::1%5D:5", "::1"),
        ("ipv6:[2001:db8::9]:443", "2001:db8::9"),
        ("ipv6:%5Bfe80::1%25eth0%5D:5", "fe80::1%eth0"),
        ("unix:", None),
        ("unix:/run/workflow.sock", None),
        ("unix-abstract:workflow", None),
        ("vsock:1:2", "1:2"),
        ("", ""),
    ],
)
def test_the_address_of_a_peer(peer: str, address: str | None):
    assert peer_address(peer) == address
