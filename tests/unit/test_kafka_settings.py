"""Settings of Kafka: what is refused, in one sentence."""

import pytest

from app.config import SettingsError, load_settings
from app.wiring import kafka

SERVERS = "KAFKA_BOOTSTRAP_SERVERS"


@pytest.mark.parametrize("servers", ["broker", "http://broker:9092", "a:1,,b:2", "a b:1"])
def test_servers_must_be_addresses(monkeypatch, servers):
    monkeypatch.setenv(SERVERS, servers)
    with pytest.raises(SettingsError, match="give addresses host:port"):
        load_settings()


@pytest.mark.parametrize("servers", ["broker:9092", "a:1, b:2,c:3", "[::1]:9092"])
def test_several_servers_can_be_given(monkeypatch, servers):
    monkeypatch.setenv(SERVERS, servers)
    assert load_settings().kafka_bootstrap_servers == servers


@pytest.mark.parametrize(
    "environment",
    [
        {"KAFKA_SECURITY_PROTOCOL": "sasl_ssl"},
        {"KAFKA_SECURITY_PROTOCOL": "sasl_ssl", "KAFKA_SASL_USERNAME": "me"},
        {"KAFKA_SASL_USERNAME": "me", "KAFKA_SASL_PASSWORD": "secret"},
    ],
)
def test_a_login_belongs_to_a_protocol_with_one(monkeypatch, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match="KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are needed with"):
        load_settings()


def test_without_the_extra_it_is_refused_and_says_what_to_do(monkeypatch):
    monkeypatch.setattr(kafka, "find_spec", lambda name: None)
    assert not kafka.kafka_is_on(load_settings())
    monkeypatch.setenv(SERVERS, "broker:9092")
    with pytest.raises(SettingsError, match="the extra `kafka` is not installed: install confluent-kafka"):
        kafka.kafka_is_on(load_settings())
