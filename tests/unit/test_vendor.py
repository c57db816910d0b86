"""The libraries of the dashboard are those that their locks name."""

import json
import shutil
from pathlib import Path

import pytest

from scripts.check_vendor import FOLDERS, REPOSITORY, problems

SIZE_OF_ALL_BYTES = 4_000_000


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_the_one_that_is_locked(folder: str) -> None:
    assert list(problems(REPOSITORY / folder)) == []


def test_a_file_that_is_changed_missing_or_added_is_found(tmp_path: Path) -> None:
    copied = Path(shutil.copytree(REPOSITORY / FOLDERS[0], tmp_path / "vendor"))
    (copied / "preact.js").write_text("changed")
    (copied / "htm.js").unlink()
    (copied / "more.js").write_text("added")
    assert list(problems(copied)) == [
        "htm.js is missing",
        "more.js is not in vendor.lock",
        "preact.js is not the file that vendor.lock names",
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_lock_says_where_libraries_come_from_by_name_alone(folder: str) -> None:
    text = (REPOSITORY / folder / "vendor.lock").read_text("utf-8")
    assert "://" not in text
    for entry in json.loads(text):
        assert entry.keys() >= {"name", "version", "licence", "files"}
        assert any(name.startswith("licences/") for name in entry["files"])


def test_no_library_asks_for_a_module_by_its_bare_name() -> None:
    """A page has no import map, so a browser would not find it."""
    for path in sorted((REPOSITORY / FOLDERS[0]).glob("*.js")):
        text = path.read_text("utf-8")
        assert not any(f'from"{package}' in text for package in ("preact", "@", "htm")), path.name


def test_the_wheel_does_not_grow_without_notice() -> None:
    files = [path for path in (REPOSITORY / "app/api/dashboard/static").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < SIZE_OF_ALL_BYTES
