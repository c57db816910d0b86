"""The addresses of the service: from an option or its environment variable, from the service that was started in this
folder, or from the settings.
"""

import os
import re
from typing import NamedTuple

from app.api.grpc.tls_files import SECURE, trust_own
from app.cli.errors import CliError
from app.cli.service_note import Note, running_service
from app.config import Settings, SettingsError, load_settings

_HOST_AND_PORT = re.compile(r"(?:https://)?(?:\[[0-9a-fA-F:.%]+\]|[^\s/:\[\]]+):(\d{1,5})")
_OTHER_FORMS = re.compile(r"(?:dns|ipv4|ipv6|unix|unix-abstract):.+")


class Services(NamedTuple):
    """Where both APIs of one service are.

    grpc: `host:port` of the gRPC server, after `https://` if it uses TLS.
    rest: the base URL of the REST API.
    """

    grpc: str
    rest: str


def settings() -> Settings:
    """The settings of the environment. Raise `CliError` with a sentence about every wrong one."""
    try:
        return load_settings()
    except SettingsError as error:
        raise CliError(f"{error}; correct the environment or .env") from None


def override_environment(**values: str | int | None) -> None:
    """Write options into the environment, where this process and its children read their settings."""
    os.environ.update({name: str(value) for name, value in values.items() if value is not None})


def checked_database(given: str | None) -> str:
    """The database that `check` and `audit verify` read, with a login that sees all tenants if there is one apart."""
    override_environment(DATABASE_URL=given)
    configured = settings()
    return given or configured.engine_database_url or configured.database_url


def services(grpc_target: str | None, rest_url: str | None) -> Services:
    return Services(grpc_address(grpc_target), rest_base(rest_url))


def rest_base(given: str | None) -> str:
    """The base URL of the REST API, without a slash at its end."""
    if given:
        return given.rstrip("/")
    if note := _noted("FASTAPI_PORT"):
        return note.rest
    own = settings()
    scheme = "https" if trusts_own(own) else "http"
    return f"{scheme}://127.0.0.1:{_fixed('FASTAPI_PORT', own.fastapi_port)}"


def trusts_own(settings: Settings) -> bool:
    """Whether the service of these settings uses TLS; its certificate is trusted and shown from then on."""
    if settings.tls_certificate is None:
        return False
    trust_own(str(settings.tls_certificate), str(settings.tls_key or ""))
    return True


def grpc_address(given: str | None) -> str:
    """`host:port` of the gRPC server. Raise `CliError` if `given` is something else."""
    if not given:
        return default_grpc_address()
    found = _HOST_AND_PORT.fullmatch(given)
    if (found and 0 < int(found[1]) < 65_536) or _OTHER_FORMS.fullmatch(given):
        return given
    raise CliError(f"--grpc-target {given!r}: give a host and a port, as 127.0.0.1:50051 or https://host:50051")


def default_grpc_address() -> str:
    if note := _noted("GRPC_PORT"):
        return note.grpc
    own = settings()
    return f"{SECURE if trusts_own(own) else ''}127.0.0.1:{_fixed('GRPC_PORT', own.grpc_port)}"


def _noted(setting: str) -> Note | None:
    """The service that runs in this folder, unless the environment names a port, which takes precedence."""
    named = {name.upper(): value for name, value in os.environ.items()}.get(setting)
    note = running_service() if named in (None, "", "0") else None
    if note and note.certificate:
        trust_own(note.certificate, note.key)
    return note


def _fixed(setting: str, port: int) -> int:
    if port == 0:
        raise CliError(f"{setting} is 0, and no service runs that was started here; start it with `workflow up`")
    return port
