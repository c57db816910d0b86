"""Secrets from files and from the environment."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import time_ns

from app.adapters.secret_places import SecretPlace, all_places, has_folder, misplaced, place_of
from app.domain.callers import DEFAULT_TENANT
from app.engine.ports import UnusableSecret
from app.masking import NOTHING_HIDDEN, Mask, mask_of

SHORTEST = 4
"""In characters. A shorter value cannot be hidden: it occurs in ordinary words."""

LONGEST = 8_192
"""In characters. To look for longer values in all their forms would take too much memory and time."""

VALUES_KEPT = 8
"""How many values of one secret are remembered, so that those that it had before are still hidden."""

SETTLED_NS = 2_000_000_000
"""A file that was changed less than this ago can change again without another time of change."""

_Stamp = tuple[int, int, int]


class SecretFiles:
    """Reads the secrets of tenants. `secrets.NAME` of the tenant `default` is the content of the file NAME without the
    line break at its end; when there is no such file, it is the environment variable `WORKFLOW_SECRET_NAME`. Other
    tenants have places of their own (`place_of`), and read no other ones. An empty value is as good as none.

    A file is read again when it has changed, so that a secret can be changed while the process runs.

    folder: where the files are; None when there are none.
    environment: the environment variables.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._files: dict[str, tuple[_Stamp, str | None]] = {}
        self._seen: dict[tuple[str, str], tuple[str, ...]] = {}
        self._mask: Mask | None = NOTHING_HIDDEN

    def read_all(self) -> list[str]:
        """Read every secret of every tenant, so that all are hidden from now on. The result says which ones are
        refused, and why. Tasks that use those fail; everything else works.
        """
        refused = list(misplaced(self._folder, self._environment))
        for place in all_places(self._folder, self._environment):
            try:
                self.get(place.tenant, place.name)
            except UnusableSecret as error:
                refused.append(str(error))
        return refused

    def get(self, tenant: str, name: str) -> str | None:
        """The value; None when the tenant has no such secret. Raise `UnusableSecret`."""
        if (place := place_of(tenant, name)) is None:
            return None
        in_file = None if self._folder is None else self._of_file(self._folder, place)
        value = self._environment.get(place.variable) if in_file is None else in_file
        if not value:
            return None
        if (problem := _problem(value)) is not None:
            source = f"variable {place.variable}" if in_file is None else f"file {place.file} in SECRETS_FOLDER"
            raise UnusableSecret(f"secret {name!r} {problem}; use another value, or remove the {source}")
        self._remember((tenant, name), value)
        return value

    def values(self, tenant: str, name: str) -> tuple[str, ...]:
        """The values that the secret has and had since this process has started; none when it is not set."""
        with suppress(UnusableSecret):
            self.get(tenant, name)
        return self._seen.get((tenant, name), ())

    def mask(self) -> Mask:
        """Hides every secret of every tenant that this process has read. Only for the log: where a tenant sees what is
        hidden, it would learn the secrets of others by guessing.
        """
        if self._mask is None:
            self._mask = mask_of(frozenset(one for values in self._seen.values() for one in values))
        return self._mask

    def _remember(self, secret: tuple[str, str], value: str) -> None:
        seen = self._seen.get(secret, ())
        if seen[-1:] == (value,):
            return
        self._seen[secret] = (*(one for one in seen if one != value), value)[-VALUES_KEPT:]
        # Made when it is needed: that takes long, and many secrets are read one after another.
        self._mask = None

    def _of_file(self, folder: Path, place: SecretPlace) -> str | None:
        """The text of the file, read again only if the file has changed."""
        if place.tenant != DEFAULT_TENANT and not has_folder(folder, place.tenant):
            return None
        path = folder / place.file
        try:
            found = os.stat(path)
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if place.file in self._files and self._files[place.file][0] == stamp:
            return self._files[place.file][1]
        text = _read(path)
        if time_ns() - found.st_mtime_ns > SETTLED_NS:
            self._files[place.file] = (stamp, text)
        return text


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        return None


def _problem(value: str) -> str | None:
    """Why the value cannot be a secret; None if it can."""
    if len(value.strip()) < SHORTEST:
        return f"has fewer than {SHORTEST} characters, so it cannot be hidden in histories and logs"
    return f"has more than {LONGEST:,} characters" if len(value) > LONGEST else None
