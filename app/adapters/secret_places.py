"""Where the secrets of tenants are: which file and which variable belongs to a secret, and the other way round.

No two secrets have the same place. So a key is not written into a variable as it is: `TOKEN` of a tenant `SALES` would
be `SALES_TOKEN` of `default`, and the keys `a-b`, `a.b` and `a_b` would be one.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.domain.callers import DEFAULT_TENANT
from app.domain.refs import key_problems

PREFIX = "WORKFLOW_SECRET_"
"""Of the variables of the tenant `default`. The name of the secret follows."""

TENANT_PREFIX = "WORKFLOW_TENANT_SECRET_"
"""Of the variables of other tenants. The written key, two underscores and the name of the secret follow."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)
_SIGN = re.compile(r"[._-]")
_WRITTEN_KEY = re.compile(r"(?:[A-Za-z0-9]|_2D|_2E|_5F)+", re.ASCII)
_ESCAPE = re.compile(r"_(2D|2E|5F)")

HOW_TO_WRITE = (
    "write _2D for -, _2E for . and _5F for _ in the tenant's key, then two underscores and the secret's name"
)


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where the value of a secret can be.

    tenant: the key of the tenant.
    name: the name of the secret.
    file: the path of the file in SECRETS_FOLDER.
    variable: the name of the environment variable.
    """

    tenant: str
    name: str
    file: str
    variable: str


def place_of(tenant: str, name: str) -> SecretPlace | None:
    """None for a key that no tenant can have, and for a name that no secret can have."""
    if not _NAME.fullmatch(name):
        return None
    if tenant == DEFAULT_TENANT:
        return SecretPlace(tenant, name, name, PREFIX + name)
    if key_problems(tenant):
        return None
    return SecretPlace(tenant, name, f"{tenant}/{name}", f"{TENANT_PREFIX}{_written(tenant)}__{name}")


def all_places(folder: Path | None, environment: Mapping[str, str]) -> list[SecretPlace]:
    """The places at which there is something, ordered by tenant and name."""
    found = {*_places_in_folder(folder), *_places_in_environment(environment)}
    return sorted(found, key=lambda place: (place.tenant, place.name))


def misplaced(folder: Path | None, environment: Mapping[str, str]) -> Iterator[str]:
    """What looks like the secret of a tenant and is read as none, with what to do about it."""
    for variable in sorted(environment):
        if variable.startswith(TENANT_PREFIX) and (read := _read_variable(variable)) is None:
            yield f"the variable {variable} belongs to no secret; {HOW_TO_WRITE}"
        elif variable.startswith(TENANT_PREFIX) and read is not None and read[0] == DEFAULT_TENANT:
            yield f"the variable {variable} is not read; the tenant {DEFAULT_TENANT!r} has {PREFIX}{read[1]}"
    if folder is not None and (folder / DEFAULT_TENANT).is_dir():
        yield (
            f"the folder {DEFAULT_TENANT} in SECRETS_FOLDER is not read; the files of the tenant {DEFAULT_TENANT!r} "
            "are in SECRETS_FOLDER itself"
        )


def has_folder(folder: Path, tenant: str) -> bool:
    """Whether the tenant has a folder of exactly this name. On a disk that ignores case, `Sales` is not `sales`."""
    try:
        return tenant in os.listdir(folder)
    except OSError:
        return False


def _written(tenant: str) -> str:
    """The key, with the signs that no variable can have, and the underscore, as their numbers."""
    return _SIGN.sub(lambda sign: f"_{ord(sign[0]):02X}", tenant)


def _read_variable(variable: str) -> tuple[str, str] | None:
    """The tenant and the name of a secret; None for a variable that belongs to none."""
    # The written key has no two underscores in a row: the first ones end it.
    written, separator, name = variable.removeprefix(TENANT_PREFIX).partition("__")
    if not separator or not _WRITTEN_KEY.fullmatch(written):
        return None
    tenant = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), written)
    return None if place_of(tenant, name) is None else (tenant, name)


def _places_in_environment(environment: Mapping[str, str]) -> Iterator[SecretPlace]:
    for variable in environment:
        if variable.startswith(PREFIX):
            found = place_of(DEFAULT_TENANT, variable.removeprefix(PREFIX))
        elif variable.startswith(TENANT_PREFIX) and (read := _read_variable(variable)) is not None:
            found = place_of(*read) if read[0] != DEFAULT_TENANT else None
        else:
            continue
        if found is not None:
            yield found


def _places_in_folder(folder: Path | None) -> Iterator[SecretPlace]:
    if folder is None:
        return
    for entry in _entries(folder):
        if entry.is_file() and (place := place_of(DEFAULT_TENANT, entry.name)) is not None:
            yield place
        elif entry.is_dir() and entry.name != DEFAULT_TENANT and not key_problems(entry.name):
            for file in _entries(entry):
                if file.is_file() and (place := place_of(entry.name, file.name)) is not None:
                    yield place


def _entries(folder: Path) -> list[Path]:
    """Nothing when the folder cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []
