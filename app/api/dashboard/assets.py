"""The files of the dashboard, as they lie in `static`, and compressed."""

import gzip
from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "static"
DIGEST_LENGTH = 12
MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""Other files, as the pages, are not served under their names."""


class Asset(NamedTuple):
    """A file. It is sent compressed, because all clients that run it can take that; `plain` is for others."""

    media_type: str
    plain: bytes

    def packed(self) -> bytes:
        return gzip.compress(self.plain, mtime=0)


class Assets:
    """The files of a folder, which must not change while the process runs.

    folder: where they lie.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._packed: dict[str, bytes] = {}

    @cached_property
    def digest(self) -> str:
        """Another one whenever a file differs. It is part of the address of each file, so that browsers keep the files
        without limit, and a page never mixes files of two versions."""
        total = sha256()
        for name, path in sorted(self._paths.items()):
            total.update(name.encode() + b"\0" + sha256(path.read_bytes()).digest())
        return total.hexdigest()[:DIGEST_LENGTH]

    def find(self, name: str) -> Asset | None:
        """The file of this name, a path within the folder. Reads it."""
        path = self._paths.get(name)
        return None if path is None else Asset(MEDIA_TYPES[path.suffix], path.read_bytes())

    def packed(self, name: str, asset: Asset) -> bytes:
        """The file compressed, which is done once."""
        if name not in self._packed:
            self._packed[name] = asset.packed()
        return self._packed[name]

    def page(self, name: str) -> str:
        """The text of a page."""
        return (self._folder / name).read_text("utf-8")

    @cached_property
    def _paths(self) -> Mapping[str, Path]:
        return dict(self._listed())

    def _listed(self) -> Iterator[tuple[str, Path]]:
        for path in self._folder.rglob("*"):
            if path.suffix in MEDIA_TYPES and path.is_file():
                yield path.relative_to(self._folder).as_posix(), path
