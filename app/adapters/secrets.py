"""Secrets from files and from the environment."""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from time import time_ns

from app.engine.ports import UnusableSecret
from app.masking import NOTHING_HIDDEN, Mask, mask_of

PREFIX = "WORKFLOW_SECRET_"
SHORTEST = 4
"""In characters. A shorter value cannot be hidden: it occurs in ordinary words."""

LONGEST = 8_192
"""In characters. To look for longer values in all their forms would take too much memory and time."""

VALUES_KEPT = 8
"""How many values of one secret are remembered, so that those that it had before are still hidden."""

SETTLED_NS = 2_000_000_000
"""A file that was changed less than this ago can change again without another time of change."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)

_Stamp = tuple[int, int, int]


class SecretFiles:
    """Reads secrets. `secrets.NAME` is the content of the file NAME without the line break at its end. When there is no
    such file, it is the environment variable `WORKFLOW_SECRET_NAME`. An empty value is as good as none.

    A file is read again when it has changed, so that a secret can be changed while the process runs.

    folder: where the files are; None when there are none.
    environment: the environment variables.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment
        self._files: dict[str, tuple[_Stamp, str | None]] = {}
        self._seen: dict[str, tuple[str, ...]] = {}
        self._mask: Mask | None = NOTHING_HIDDEN

    def read_all(self) -> list[str]:
        """Read every secret that there is, so that all are hidden from now on. The result says which ones are refused,
        and why. Tasks that use those fail; everything else works.
        """
        named = [name.removeprefix(PREFIX) for name in self._environment if name.startswith(PREFIX)]
        refused = []
        for name in sorted({*named, *_file_names(self._folder)}):
            try:
                self.get(name)
            except UnusableSecret as error:
                refused.append(str(error))
        return refused

    def get(self, name: str) -> str | None:
        """The value; None when the secret is not set. Raise `UnusableSecret`."""
        if not _NAME.fullmatch(name):
            return None
        in_file = None if self._folder is None else self._of_file(self._folder, name)
        value = self._environment.get(PREFIX + name) if in_file is None else in_file
        if not value:
            return None
        if (problem := _problem(value)) is not None:
            source = f"the variable {PREFIX}{name}" if in_file is None else f"the file {name} in SECRETS_FOLDER"
            raise UnusableSecret(f"secret {name!r} {problem}; use another value, or remove {source}")
        self._remember(name, value)
        return value

    def values(self, name: str) -> tuple[str, ...]:
        """The values that the secret has and had since this process has started; none when it is not set."""
        with suppress(UnusableSecret):
            self.get(name)
        return self._seen.get(name, ())

    def mask(self) -> Mask:
        """Hides every secret that this process has read."""
        if self._mask is None:
            self._mask = mask_of(frozenset(one for values in self._seen.values() for one in values))
        return self._mask

    def _remember(self, name: str, value: str) -> None:
        seen = self._seen.get(name, ())
        if seen[-1:] == (value,):
            return
        self._seen[name] = (*(one for one in seen if one != value), value)[-VALUES_KEPT:]
        # Made when it is needed: that takes long, and many secrets are read one after another.
        self._mask = None

    def _of_file(self, folder: Path, name: str) -> str | None:
        """The text of the file, read again only if the file has changed."""
        path = folder / name
        try:
            found = os.stat(path)
        except OSError:
            return None
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if name in self._files and self._files[name][0] == stamp:
            return self._files[name][1]
        text = _read(path)
        if time_ns() - found.st_mtime_ns > SETTLED_NS:
            self._files[name] = (stamp, text)
        return text


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        return None


def _file_names(folder: Path | None) -> list[str]:
    """The files that can be secrets; none when the folder cannot be read."""
    try:
        return [] if folder is None else [path.name for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _problem(value: str) -> str | None:
    """Why the value cannot be a secret; None if it can."""
    if len(value.strip()) < SHORTEST:
        return f"has fewer than {SHORTEST} characters, so it cannot be hidden in histories and logs"
    return f"has more than {LONGEST:,} characters" if len(value) > LONGEST else None
