"""The addresses of the service: from an option or its environment variable, otherwise from the settings."""

import os

from app.cli.errors import CliError
from app.config import Settings, SettingsError, load_settings


def settings() -> Settings:
    """The settings of the environment. Raise `CliError` with a sentence about every wrong one."""
    try:
        return load_settings()
    except SettingsError as error:
        raise CliError(f"{error}; correct the environment or .env") from None


def override_environment(**values: str | int | None) -> None:
    """Write options into the environment, where this process and its children read their settings."""
    os.environ.update({name: str(value) for name, value in values.items() if value is not None})


def rest_base(given: str | None) -> str:
    """The base URL of the REST API, without a slash at its end."""
    return given.rstrip("/") if given else f"http://127.0.0.1:{settings().fastapi_port}"


def grpc_address(given: str | None) -> str:
    """`host:port` of the gRPC server."""
    return given or default_grpc_address()


def default_grpc_address() -> str:
    return f"127.0.0.1:{settings().grpc_port}"
