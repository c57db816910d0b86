"""The health check of a container asks where its own server listens."""

import sys

import pytest

from app.api.grpc import health_check


@pytest.mark.parametrize(
    ("arguments", "port", "target"),
    [
        ([], None, "127.0.0.1:50051"),
        ([], "", "127.0.0.1:50051"),
        ([], "50099", "127.0.0.1:50099"),
        (["10.0.0.1:1"], "50099", "10.0.0.1:1"),
    ],
)
def test_the_target(arguments: list[str], port: str | None, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(sys, "argv", ["health_check", *arguments])
    monkeypatch.setattr(health_check, "serving", lambda address: asked.append(address) or True)
    monkeypatch.delenv("GRPC_PORT", raising=False)
    if port is not None:
        monkeypatch.setenv("GRPC_PORT", port)
    with pytest.raises(SystemExit) as ended:
        health_check.main()
    assert (asked, ended.value.code) == ([target], 0)
