"""docker-compose.yml is confined and reachable from this machine only; the override in docs/operations.md fits it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))
PAGE = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
PROCESSES = ("fastapi_app", "grpc_server")
ALL_SETTINGS = COMPOSE["x-settings"]


@pytest.fixture
def override() -> dict[str, Any]:
    (text,) = re.findall(r"```yaml\n(# docker-compose.override.yml\n.*?)```", PAGE, re.DOTALL)
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def test_every_port_is_published_on_loopback_only():
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
    assert len(ports) == len(PROCESSES)
    assert all(port.startswith("${PUBLISH_ADDRESS:-127.0.0.1}:") for port in ports)
    assert ALL_SETTINGS["ALLOWED_HOSTS"] == "${ALLOWED_HOSTS:-fastapi_app}", "in a container they listen everywhere"


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_service_is_confined(name: str):
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] > 0
    has_own_user = "build" in service or name == "kafka"
    assert has_own_user != ("user" in service), "the images that are built have a user of their own, as Kafka's has"


@pytest.mark.parametrize("name", ["db", "redis"])
def test_public_images_have_an_exact_version(name: str):
    assert re.search(r":-[a-z]+:\d+\.\d+(\.\d+)?-[a-z]+\}$", COMPOSE["services"][name]["image"])


def test_redis_and_the_database_want_a_password():
    assert "${REDIS_PASSWORD:-workflow}@" in ALL_SETTINGS["REDIS_URL"]
    assert "requirepass" in COMPOSE["services"]["redis"]["command"][-1]
    assert COMPOSE["services"]["db"]["environment"]["POSTGRES_PASSWORD"] == "${POSTGRES_PASSWORD:-workflow}"


def test_the_processes_have_logins_of_their_own_and_one_service_makes_them():
    environments = {name: COMPOSE["services"][name]["environment"] for name in (*PROCESSES, "migrate")}
    for environment in environments.values():
        assert "//workflow_api:" in environment["DATABASE_URL"]
    assert "ENGINE_DATABASE_URL" not in environments["fastapi_app"]
    for name in ("grpc_server", "migrate"):
        assert "//workflow_engine:" in environments[name]["ENGINE_DATABASE_URL"]
    admins = [name for name, environment in environments.items() if "WORKFLOW_ADMIN_DATABASE_URL" in environment]
    assert admins == ["migrate"]
    assert COMPOSE["services"]["migrate"]["command"][-3:] == ["app.cli", "database", "init"]


def test_the_processes_listen_on_every_address_of_their_network_deliberately():
    assert COMPOSE["x-settings"]["AUTH"] == "${AUTH:-off-on-every-address}"
    assert COMPOSE["x-settings"]["RATE_LIMIT_ANONYMOUS"] == "${RATE_LIMIT_ANONYMOUS:-off}", "all come from one address"


def test_the_override_gives_functions_to_both_processes_and_secrets_to_the_one_that_uses_them(override):
    assert tuple(override["services"]) == PROCESSES
    for name in PROCESSES:
        service, base = override["services"][name], COMPOSE["services"][name]
        assert service["environment"]["PYTHON_MODULES"] == "shop.functions"
        assert service["environment"].keys() <= base["environment"].keys() | {"SECRETS_FOLDER"}
        targets = [volume.split(":")[1] for volume in service["volumes"]]
        assert targets == ["/srv/shop"], "the working directory of both images, from which modules are imported"
        assert not set(targets) & {volume.split(":")[1] for volume in base["volumes"]}
    engine = override["services"]["grpc_server"]
    assert engine["environment"]["SECRETS_FOLDER"] == "/run/secrets"
    assert set(engine["secrets"]) == set(override["secrets"]) == set(re.findall(r"secrets\.([A-Z_]+)\}", PAGE))
    assert "secrets" not in override["services"]["fastapi_app"]


@pytest.mark.parametrize("image", ["fastapi", "grpc"])
def test_the_images_import_from_where_the_override_mounts(image: str):
    text = (REPOSITORY / f"Dockerfile.{image}").read_text("utf-8")
    assert "\nWORKDIR /srv\n" in text
    assert "--uid 10001" in text
    assert "\nUSER workflow\n" in text
    stages = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert set(stages) == {"${PYTHON_IMAGE}"}
    (version,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-bookworm", version)
    assert version in COMPOSE["services"]["migrate"]["build"]["args"]["PYTHON_IMAGE"]
    assert "user 10001" in PAGE
