"""Ports for servers are not those that the system gives to outgoing connections."""

import socket

import pytest

from app.adapters.embedded import tcp_ports
from app.adapters.embedded.tcp_ports import LOOPBACK, free_port, is_free


def test_a_port_is_below_those_of_outgoing_connections(tmp_path, monkeypatch):
    ports = tmp_path / "range"
    ports.write_text("20000\t60999\n")
    monkeypatch.setattr(tcp_ports, "EPHEMERAL_RANGE", ports)
    found = [free_port() for _ in range(50)]
    assert all(10_000 <= port < 20_000 for port in found)
    assert len(set(found)) > 1


@pytest.mark.parametrize("text", ["1024 65535", "", "words"])
def test_a_system_that_gives_all_ports_to_connections_or_does_not_say(tmp_path, monkeypatch, text):
    ports = tmp_path / "range"
    ports.write_text(text)
    monkeypatch.setattr(tcp_ports, "EPHEMERAL_RANGE", ports)
    assert is_free(free_port())


def test_a_port_that_a_server_has_is_not_given(monkeypatch):
    with socket.create_server((LOOPBACK, 0)) as listener:
        taken = listener.getsockname()[1]
        monkeypatch.setattr(tcp_ports.random, "choice", lambda _: taken)
        assert not is_free(taken)
        assert free_port() != taken
