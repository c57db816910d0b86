import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app, authorizing, targets
from app.cli.local import up
from app.cli.local.up import Wishes
from app.config import Settings
from app.domain.host_names import is_local

HEAVY = ("grpc", "google.protobuf", "httpx", "yaml", "rich.live", "pydantic", "app.config", "sqlalchemy", "fastapi")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """No settings from the developer's shell or `.env`, and none left behind."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "FASTAPI_PORT", "GRPC_PORT"):
        monkeypatch.setenv(name, "to be restored")
        monkeypatch.delenv(name)


def test_naming_the_commands_imports_nothing_heavy():
    program = f"import sys, app.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    paths = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=os.environ | paths)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("words", "wishes"),
    [
        ([], Wishes(None, None)),
        (["--migrate", "--no-examples"], Wishes(True, False)),
        (["--no-migrate", "--examples"], Wishes(False, True)),
    ],
)
def test_up_hands_its_options_over_as_settings(monkeypatch: pytest.MonkeyPatch, words: list[str], wishes: Wishes):
    ran: list[tuple[Settings, Wishes]] = []
    monkeypatch.setattr(up, "run_up", lambda *given: ran.append(given))
    monkeypatch.setenv("GRPC_PORT", "1")
    options = ["--database", "memory:", "--fastapi-port", "8001", "--grpc-port", "0"]
    result = CliRunner().invoke(app, ["up", *options, *words])
    assert result.exit_code == 0, result.output
    [(settings, given)] = ran
    assert (settings.database_url, settings.fastapi_port, settings.grpc_port) == ("memory:", 8001, 0)
    assert given == wishes
    assert os.environ["GRPC_PORT"] == "0"


@pytest.mark.parametrize(("words", "rate_limit"), [([], None), (["--per-minute", "12"], 12)])
def test_a_key_is_asked_for_with_its_limit(monkeypatch: pytest.MonkeyPatch, words: list[str], rate_limit: int | None):
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(authorizing, "create", lambda url, body, as_json: asked.append(body))
    result = CliRunner().invoke(app, ["auth", "keys", "create", "nightly", "--role", "viewer", *words])
    assert result.exit_code == 0, result.output
    assert asked == [{"name": "nightly", "role": "viewer", "expires_in_days": 90, "rate_limit": rate_limit}]


def test_a_key_is_asked_for_with_its_groups(monkeypatch: pytest.MonkeyPatch):
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(authorizing, "create", lambda url, body, as_json: asked.append(body))
    words = ["auth", "keys", "create", "clerk", "--role", "operator", "--group", "processor", "--group", "reader"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert asked[0]["groups"] == ["processor", "reader"]


@pytest.mark.parametrize("url", ["postgresql://h/d", "postgres://h/d", "postgresql+asyncpg://h/d?sslmode=require"])
def test_a_server_gets_examples_only_if_they_are_asked_for(url: str):
    server, own = (Settings(_env_file=None, database_url=address) for address in (url, "file:data"))
    assert [Wishes(examples=asked).wants_examples(server) for asked in (None, True, False)] == [False, True, False]
    assert [Wishes(examples=asked).wants_examples(own) for asked in (None, True, False)] == [True, True, False]


def test_addresses_follow_the_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FASTAPI_PORT", "8123")
    monkeypatch.setenv("GRPC_PORT", "50123")
    assert targets.rest_base(None) == "http://127.0.0.1:8123"
    assert targets.grpc_address(None) == "127.0.0.1:50123"
    assert targets.rest_base("https://flows.example.org/") == "https://flows.example.org"


def test_a_wrong_setting_is_a_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FASTAPI_PORT", "many")
    result = CliRunner().invoke(app, ["workflows"])
    assert result.exit_code == 2
    assert result.stderr == (
        "error: FASTAPI_PORT 'many': give a whole number from 0 to 65535; correct the environment or .env\n"
    )


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("example.org", False)],
)
def test_no_proxy_for_this_machine(host: str, local: bool):
    assert is_local(host) is local


@pytest.mark.parametrize("words", [["run"], ["watch", "x", "--after", "-1"], ["list", "--status", "lost"], ["nothing"]])
def test_wrong_words_exit_2(words: list[str]):
    assert CliRunner().invoke(app, words).exit_code == 2
