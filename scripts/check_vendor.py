"""Fails if a library in a `vendor` folder is not the one that its lock names, or has no place there."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("app/api/dashboard/static/vendor", "tests/ui/vendor")
LOCK = "vendor.lock"


def problems(folder: Path) -> Iterator[str]:
    """What is wrong in one folder, a sentence each."""
    locked = _locked(folder)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name != LOCK}
    for name in sorted(locked.keys() - there):
        yield f"{name} is missing"
    for name in sorted(there - locked.keys()):
        yield f"{name} is not in {LOCK}"
    for name in sorted(there & locked.keys()):
        if hashlib.sha512((folder / name).read_bytes()).hexdigest() != locked[name]:
            yield f"{name} is not the file that {LOCK} names"


def _locked(folder: Path) -> dict[str, str]:
    entries = json.loads((folder / LOCK).read_text("utf-8"))
    return {name: digest for entry in entries for name, digest in entry["files"].items()}


def main() -> None:
    found = [f"{folder}: {problem}" for folder in FOLDERS for problem in problems(REPOSITORY / folder)]
    if found:
        sys.exit("\n".join([*found, "run scripts/vendor.py to write the libraries again"]))


if __name__ == "__main__":
    main()
