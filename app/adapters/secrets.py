"""Secrets from files and from the environment."""

import re
from collections.abc import Mapping
from pathlib import Path

PREFIX = "WORKFLOW_SECRET_"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}", re.ASCII)


class SecretFiles:
    """Reads secrets. `secrets.NAME` is the content of the file NAME without the line break at its end. When there is no
    such file, it is the environment variable `WORKFLOW_SECRET_NAME`.

    Files are read at each use, so that a secret can be changed while the process runs.

    folder: where the files are; None when there are none.
    environment: the environment variables.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    def get(self, name: str) -> str | None:
        if not _NAME.fullmatch(name):
            return None
        if self._folder is not None and (found := _read(self._folder / name)) is not None:
            return found
        return self._environment.get(PREFIX + name)


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError):
        return None
