"""Reads the file of the setting TENANTS_FILE: what the tasks of the tenants beside `default` may reach and call."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from app.domain.callers import DEFAULT_TENANT
from app.domain.refs import KEY_PATTERN, key_problems
from app.tasks.rights import ANY, HttpRights, TenantRights

_HOST = re.compile(r"\[[0-9a-f:.]+\](:\d{1,5})?|[0-9a-f]*:[0-9a-f:.]+|[^\s/@:*?#,\[\]]+(:\d{1,5})?")

_NO_WORD = {
    "bool_type": "must be true or false",
    "list_type": "must be a list of texts",
    "string_type": "must be a text",
}


class TenantsFileError(Exception):
    """The file cannot be used; the message says where and why."""


class _Section(BaseModel):
    """The table of one tenant."""

    model_config = ConfigDict(extra="forbid", strict=True)

    http_task_allow_private: bool = False
    http_task_allowed_hosts: list[str] = Field(default_factory=list)
    http_task_own_api_workflows: list[str] = Field(default_factory=list)
    python_functions: list[str] = Field(default_factory=list)
    kafka_task_topics: list[str] = Field(default_factory=list)

    def rights(self) -> TenantRights:
        """Raise `ValueError` with the name of the field and what is wrong in it."""
        hosts = [host.lower() for host in self.http_task_allowed_hosts]
        for host in hosts:
            if not _HOST.fullmatch(host):
                raise ValueError(f"http_task_allowed_hosts: {host!r} must be host or host:port")
        for key in self.http_task_own_api_workflows:
            if key != ANY and not KEY_PATTERN.fullmatch(key):
                raise ValueError(f"http_task_own_api_workflows: {key!r} must be the key of a workflow, or *")
        http = HttpRights(self.http_task_allow_private, frozenset(hosts), frozenset(self.http_task_own_api_workflows))
        return TenantRights(http, frozenset(self.python_functions), frozenset(self.kafka_task_topics))


def read_tenants_file(path: Path | None) -> Mapping[str, TenantRights]:
    """The rights by the keys of tenants; nothing without a file. Raise `TenantsFileError`."""
    if path is None:
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _error(path, f"cannot be read: {error.strerror or error}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _error(path, f"is not TOML: {error}") from None
    return {tenant: _rights(path, tenant, table) for tenant, table in tables.items()}


def _rights(path: Path, tenant: str, table: Any) -> TenantRights:
    if tenant == DEFAULT_TENANT:
        message = "its rights are the settings HTTP_TASK_ALLOWED_HOSTS and so on, and all functions"
        raise _error(path, f"[{tenant}]: {message}; remove this table")
    if problems := key_problems(tenant):
        raise _error(path, f"{tenant!r} is no tenant's key: it {problems[0].message}")
    if not isinstance(table, dict):
        raise _error(path, f"{tenant}: must be a table, such as [{tenant}] on a line of its own")
    try:
        return _Section.model_validate(table).rights()
    except ValidationError as error:
        raise _error(path, f"[{tenant}] {_sentence(tenant, error.errors(include_url=False)[0])}") from None
    except ValueError as error:
        raise _error(path, f"[{tenant}] {error}") from None


def _sentence(tenant: str, item: ErrorDetails) -> str:
    place = ".".join(map(str, item["loc"]))
    if item["type"] == "extra_forbidden":
        if isinstance(item["input"], dict):
            return f'{place}: is a table within a table; write ["{tenant}.{place}"] for a tenant whose key has a dot'
        return f"{place}: is not known here; known: {', '.join(_Section.model_fields)}"
    return f"{place}: {_NO_WORD.get(item['type'], item['msg'])}"


def _error(path: Path, problem: str) -> TenantsFileError:
    return TenantsFileError(f"TENANTS_FILE {path}: {problem}")
