"""The settings. Only this module reads the environment and `.env`. `.env.example` and docs/settings.md list them."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.accepted import choice_form, number_form
from app.domain.host_names import ANY, is_local, parse_hosts, parse_origins
from app.identity.client_addresses import Network, parse_networks

LONGEST_VALUE = 80

_ADDRESSES = re.compile(r"[^\s,:/]+:\d{1,5}(\s*,\s*[^\s,:/]+:\d{1,5})*|\[[0-9a-fA-F:]+\]:\d{1,5}")
_TOKEN_KEYS = ("jwt_jwks_url", "jwt_public_key", "jwt_secret")


OFF = "off"


def _none_if_off(value: Any) -> Any:
    return 0 if isinstance(value, str) and value.strip().lower() == OFF else value


PerMinute = Annotated[int, BeforeValidator(_none_if_off), Field(ge=0, le=1_000_000)]
"""Requests per minute; 0 and `off` are no limit."""


class SettingsError(Exception):
    """A setting cannot be used; the message names every such setting."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    database_url: str = "file:.workflow"
    engine_database_url: str | None = None
    migration_database_url: str | None = None
    database_direct_url: str | None = None
    database_pooler: Literal["auto", "none", "transaction"] = "auto"
    redis_url: str | None = None

    fastapi_host: str = "127.0.0.1"
    fastapi_port: int = Field(8000, ge=0, le=65535)
    fastapi_max_connections: int = Field(1_000, ge=1)
    allowed_hosts: str | None = None
    cors_origins: str = ""
    dashboard: Literal["on", "off"] = "on"
    ws_max_connections: int = Field(2_000, ge=0)
    grpc_host: str = "127.0.0.1"
    grpc_port: int = Field(50051, ge=0, le=65535)
    grpc_share_port: bool = False
    grpc_max_connections: int = Field(1_000, ge=1)

    tls_certificate: Path | None = None
    tls_key: Path | None = None
    grpc_client_ca: Path | None = None

    auth: Literal["off", "on", "off-on-every-address"] = "off"
    auth_documentation: Literal["open", "callers", "off"] = "callers"
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_jwks_url: str | None = None
    jwt_public_key: str | None = None
    jwt_secret: SecretStr | None = None
    jwt_tenant_claim: str | None = None
    jwt_roles_claim: str = "roles"
    jwt_role_map: str = ""

    rate_limit_anonymous: PerMinute = 100
    rate_limit_keys: PerMinute = 6_000
    trusted_proxies: str = ""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"

    database_pool_size: int = Field(8, ge=1, le=500)

    cache_ttl_seconds: float = Field(3.0, gt=0, le=60)
    cache_timeout_seconds: float = Field(0.25, gt=0)

    max_body_bytes: int = Field(1_048_576, ge=1024)
    max_input_bytes: int = Field(262_144, ge=2)
    max_output_bytes: int = Field(1_048_576, ge=2)
    max_tasks_per_workflow: int = Field(1_000, ge=1)
    retention_days: float = Field(90.0, ge=0, allow_inf_nan=False)
    feed_retention_hours: float = Field(72.0, gt=0, le=87_600, allow_inf_nan=False)
    max_events_per_execution: int = Field(50_000, ge=100)
    max_depth: int = Field(10, ge=0, le=1_000)
    max_descendants: int = Field(10_000, ge=0)
    grpc_max_message_bytes: int = Field(4_194_304, ge=65_536)

    engine_max_executions: int = Field(1_000, ge=1)
    engine_lease_seconds: float = Field(10.0, gt=0)
    engine_renew_seconds: float = Field(2.0, gt=0)
    engine_poll_seconds: float = Field(0.5, gt=0)
    engine_park_seconds: float = Field(5.0, ge=0)
    engine_cancel_grace_seconds: float = Field(10.0, ge=0)
    engine_max_lost_attempts: int = Field(5, ge=1)
    engine_python_threads: int = Field(16, ge=1)
    evaluator_processes: int = Field(2, ge=1, le=64)
    evaluator_max_waiting: int = Field(2_000, ge=1)
    evaluator_deadline_seconds: float = Field(0.25, gt=0, le=10)
    evaluator_memory_bytes: int = Field(536_870_912, ge=268_435_456)
    shutdown_seconds: float = Field(10.0, ge=0)
    watch_poll_seconds: float = Field(0.5, gt=0)

    http_task_allow_private: bool = False
    http_task_allowed_hosts: str = ""
    http_task_own_api_workflows: str = ""
    http_task_max_response_bytes: int = Field(1_048_576, ge=1)
    python_modules: str = ""
    tenants_file: Path | None = None
    secrets_folder: Path | None = None

    kafka_bootstrap_servers: str | None = None
    kafka_prefix: str = Field("workflow", pattern=r"^[a-zA-Z0-9._-]{1,100}$")
    kafka_transactions: bool = True
    kafka_completed: Literal["triggered", "all"] = "triggered"
    kafka_fallback_seconds: float = Field(30.0, ge=1, le=86_400)
    kafka_max_pending: int = Field(10_000, ge=1)
    kafka_tenant: str = "default"
    kafka_tenant_from_header: bool = False
    kafka_task_topics: str = ""
    kafka_security_protocol: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    kafka_ca: Path | None = None
    kafka_certificate: Path | None = None
    kafka_key: Path | None = None
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None

    @model_validator(mode="after")
    def _relations(self) -> Self:
        if self.engine_renew_seconds > self.engine_lease_seconds / 3:
            raise ValueError(
                f"ENGINE_RENEW_SECONDS ({self.engine_renew_seconds:g}) must be at most a third of "
                f"ENGINE_LEASE_SECONDS ({self.engine_lease_seconds:g})"
            )
        if self.max_output_bytes + 65_536 > self.grpc_max_message_bytes:
            raise ValueError(
                f"MAX_OUTPUT_BYTES ({self.max_output_bytes}) must leave 65536 bytes of "
                f"GRPC_MAX_MESSAGE_BYTES ({self.grpc_max_message_bytes}) for the rest of a message"
            )
        return self

    @model_validator(mode="after")
    def _certificates(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY belong together: set both, or none")
        if self.grpc_client_ca is not None and self.tls_certificate is None:
            raise ValueError("GRPC_CLIENT_CA needs TLS_CERTIFICATE and TLS_KEY")
        return self

    @model_validator(mode="after")
    def _names(self) -> Self:
        try:
            parse_hosts(self.allowed_hosts or "")
        except ValueError as error:
            raise ValueError(
                f"ALLOWED_HOSTS {_cut(error)!r}: give names or addresses without a port, *.NAME, or * for all"
            ) from None
        if ANY in {origin.strip() for origin in self.cors_origins.split(",")}:
            raise ValueError(
                f"CORS_ORIGINS {ANY!r}: callers send credentials, so the pages of every site cannot be let in; name "
                "the origins of those that may"
            )
        try:
            parse_origins(self.cors_origins)
        except ValueError as error:
            raise ValueError(f"CORS_ORIGINS {_cut(error)!r}: give origins, such as https://example.com") from None
        return self

    @model_validator(mode="after")
    def _proxies(self) -> Self:
        try:
            parse_networks(self.trusted_proxies)
        except ValueError as error:
            raise ValueError(
                f"TRUSTED_PROXIES {_cut(error)!r}: give addresses or networks, such as 10.0.0.0/8, separated by commas"
            ) from None
        return self

    @model_validator(mode="after")
    def _tokens(self) -> Self:
        keys = [name for name in _TOKEN_KEYS if getattr(self, name) is not None]
        others = [name for name in ("jwt_issuer", "jwt_audience") if getattr(self, name) is not None]
        if not keys and not others:
            return self
        if len(keys) != 1 or len(others) != 2:
            raise ValueError(
                "to accept tokens, set JWT_ISSUER, JWT_AUDIENCE and one of JWT_JWKS_URL, JWT_PUBLIC_KEY and JWT_SECRET"
            )
        return self

    @model_validator(mode="after")
    def _kafka(self) -> Self:
        if self.kafka_bootstrap_servers is not None and not _ADDRESSES.fullmatch(self.kafka_bootstrap_servers):
            raise ValueError(
                f"KAFKA_BOOTSTRAP_SERVERS {self.kafka_bootstrap_servers[:LONGEST_VALUE]!r}: give addresses host:port, "
                "separated by commas"
            )
        if (self.kafka_certificate is None) != (self.kafka_key is None):
            raise ValueError("KAFKA_CERTIFICATE and KAFKA_KEY belong together: set both, or none")
        has_login = (self.kafka_sasl_username is not None, self.kafka_sasl_password is not None)
        if has_login != (self.kafka_security_protocol.startswith("sasl"),) * 2:
            raise ValueError(
                f"KAFKA_SECURITY_PROTOCOL is {self.kafka_security_protocol!r}: KAFKA_SASL_USERNAME and "
                "KAFKA_SASL_PASSWORD are needed with sasl_plaintext and sasl_ssl, and only there"
            )
        return self

    @property
    def accepts_tokens(self) -> bool:
        return self.jwt_issuer is not None

    @cached_property
    def service_hosts(self) -> frozenset[str]:
        """The hosts that requests to the REST process may name, in addition to those of this machine; `*` is any.

        Unless ALLOWED_HOSTS is set, they are only those of this machine if the process listens on loopback.
        """
        listening = {self.fastapi_host.lower()} - {"0.0.0.0", "::", ""}
        if self.allowed_hosts is not None:
            return parse_hosts(self.allowed_hosts) | listening
        return frozenset(listening if is_local(self.fastapi_host.lower()) else {ANY})

    @cached_property
    def shared_origins(self) -> frozenset[str]:
        """The origins of pages that may read and change everything."""
        return parse_origins(self.cors_origins)

    @cached_property
    def proxy_networks(self) -> tuple[Network, ...]:
        """The addresses of proxies whose `X-Forwarded-For` is believed."""
        return parse_networks(self.trusted_proxies)

    @cached_property
    def http_task_hosts(self) -> frozenset[str]:
        """Hosts and `host:port` pairs that `http` tasks can reach although their addresses are private."""
        return frozenset(host.strip().lower() for host in self.http_task_allowed_hosts.split(",") if host.strip())

    @cached_property
    def own_api_workflows(self) -> frozenset[str]:
        """The keys of the workflows whose `http` tasks can call this service; `*` is any."""
        return frozenset(key.strip() for key in self.http_task_own_api_workflows.split(",") if key.strip())

    @cached_property
    def kafka_topics_of_tasks(self) -> frozenset[str]:
        """The topics that `kafka` tasks of the tenant `default` can publish to; `*` is any."""
        return frozenset(name.strip() for name in self.kafka_task_topics.split(",") if name.strip())

    @cached_property
    def function_modules(self) -> tuple[str, ...]:
        """Modules to import at start, so that they register their `@task_function`s."""
        return tuple(name.strip() for name in self.python_modules.split(",") if name.strip())


def load_settings() -> Settings:
    """Read the settings. Raise `SettingsError` with one sentence per wrong value."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("; ".join(_sentence(item) for item in error.errors())) from None


def _cut(error: ValueError) -> str:
    return str(error)[:LONGEST_VALUE]


def _sentence(item: ErrorDetails) -> str:
    if not item["loc"]:
        return item["msg"].removeprefix("Value error, ")
    name = str(item["loc"][0])
    return f"{name.upper()} {str(item['input'])[:LONGEST_VALUE]!r}: give {_accepted(Settings.model_fields[name])}"


def _accepted(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return choice_form(get_args(field.annotation))
    if field.annotation is bool:
        return "true or false"
    if field.annotation not in (int, float):
        return "a usable value"
    bounds = {
        sign: getattr(rule, sign) for rule in field.metadata for sign in ("gt", "ge", "le") if hasattr(rule, sign)
    }
    kind = int if field.annotation is int else float
    form = number_form(kind, bounds.get("ge"), bounds.get("le"), above=bounds.get("gt"))
    return f"{form}, or {OFF}" if any(isinstance(rule, BeforeValidator) for rule in field.metadata) else form
