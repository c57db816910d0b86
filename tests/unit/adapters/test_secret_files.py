"""Where secrets come from."""

from pathlib import Path

import pytest

from app.adapters.secrets import SecretFiles

ENVIRONMENT = {"WORKFLOW_SECRET_TOKEN": "from the environment", "HOME": "/root"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "outside").write_text("not yours")
    return tmp_path / "secrets"


def test_a_file_goes_before_the_environment(folder: Path) -> None:
    secrets = SecretFiles(folder, ENVIRONMENT)
    assert secrets.get("TOKEN") == "from the environment"
    (folder / "TOKEN").write_text("from the file\n")
    assert secrets.get("TOKEN") == "from the file"
    (folder / "TOKEN").write_text("changed")
    assert secrets.get("TOKEN") == "changed"


@pytest.mark.parametrize("name", ["HOME", "", "../outside", "a/b", "NOBODY", "x" * 101, "a\x00b", "TOKEN\n"])
def test_what_is_no_secret_is_none(folder: Path, name: str) -> None:
    assert SecretFiles(folder, ENVIRONMENT).get(name) is None


def test_a_file_that_cannot_be_read_is_no_secret(folder: Path) -> None:
    (folder / "BYTES").write_bytes(b"\xff\xfe")
    (folder / "FOLDER").mkdir()
    secrets = SecretFiles(folder, {})
    assert (secrets.get("BYTES"), secrets.get("FOLDER")) == (None, None)


def test_without_a_folder_there_is_the_environment() -> None:
    assert SecretFiles(None, ENVIRONMENT).get("TOKEN") == "from the environment"
