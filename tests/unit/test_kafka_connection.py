"""That the settings of TLS and logins reach the library."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from structlog.testing import capture_logs

from app.adapters.kafka import source
from app.adapters.kafka.connection import Connection, reaching_kafka
from app.adapters.kafka.source import KafkaSource
from app.config import load_settings
from app.kafka.ports import KafkaUnreachable
from app.kafka.topics import Topics
from app.wiring.kafka_publishing import connection_of
from tests.support.certificates import self_signed

SERVERS = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
LOGIN = {"KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": "secret"}


def properties(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> Mapping[str, object]:
    for name, value in (SERVERS | dict(environment)).items():
        monkeypatch.setenv(name, value)
    return connection_of(load_settings()).properties("name")


def test_without_settings_nothing_is_encrypted_and_nobody_logs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    found = properties(monkeypatch, {})
    assert found["security.protocol"] == "plaintext"
    assert not [name for name in found if name.startswith(("ssl.", "sasl."))]


@pytest.mark.parametrize("protocol", ["sasl_plaintext", "sasl_ssl"])
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_login_reaches_the_library(monkeypatch: pytest.MonkeyPatch, protocol: str, mechanism: str) -> None:
    settings = {"KAFKA_SECURITY_PROTOCOL": protocol, "KAFKA_SASL_MECHANISM": mechanism} | LOGIN
    found = properties(monkeypatch, settings)
    assert (found["security.protocol"], found["sasl.mechanism"]) == (protocol, mechanism)
    assert (found["sasl.username"], found["sasl.password"]) == ("me", "secret")
    Producer(found)


def test_files_reach_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"KAFKA_CA": "ca.pem", "KAFKA_CERTIFICATE": "own.pem", "KAFKA_KEY": "own.key"}
    found = properties(monkeypatch, {"KAFKA_SECURITY_PROTOCOL": "ssl"} | files)
    names = ("ssl.ca.location", "ssl.certificate.location", "ssl.key.location")
    assert [found[name] for name in names] == ["ca.pem", "own.pem", "own.key"]


def test_a_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = properties(monkeypatch, {"KAFKA_SECURITY_PROTOCOL": "ssl", "KAFKA_CA": str(tmp_path / "none.pem")})
    with pytest.raises(KafkaUnreachable, match=r"ssl\.ca\.location"), reaching_kafka():
        Producer(found)


async def test_what_receives_waits_for_a_file_that_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its thread ended with the first error, and the process received nothing from then on."""
    opened = asyncio.Event()
    loop = asyncio.get_running_loop()

    class WatchedConsumer(Consumer):
        def subscribe(self, topics: list[str]) -> None:  # type: ignore[override]
            super().subscribe(topics)
            loop.call_soon_threadsafe(opened.set)

    monkeypatch.setattr(source, "Consumer", WatchedConsumer)
    monkeypatch.setattr(source, "AGAIN_SECONDS", 0.01)
    certificate = tmp_path / "later.pem"
    security = {"security.protocol": "ssl", "ssl.ca.location": str(certificate)}
    receiving = KafkaSource(Connection("127.0.0.1:1", security), Topics())
    with capture_logs() as logs:
        receiving.start()
        while not logs:
            await asyncio.sleep(0.01)
        self_signed(tmp_path, "later").certificate.rename(certificate)
        await opened.wait()
        await receiving.close()
    assert "ssl.ca.location" in logs[0]["reason"]
