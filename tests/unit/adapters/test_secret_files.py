"""Where secrets come from."""

import os
from pathlib import Path

import pytest

from app.adapters.secrets import LONGEST, VALUES_KEPT, SecretFiles
from app.engine.ports import UnusableSecret

ENVIRONMENT = {"WORKFLOW_SECRET_TOKEN": "from the environment", "HOME": "/root"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "outside").write_text("not yours")
    return tmp_path / "secrets"


def test_a_file_goes_before_the_environment(folder: Path) -> None:
    secrets = SecretFiles(folder, ENVIRONMENT)
    assert secrets.get("default", "TOKEN") == "from the environment"
    (folder / "TOKEN").write_text("from the file\n")
    assert secrets.get("default", "TOKEN") == "from the file"
    (folder / "TOKEN").write_text("changed")
    assert secrets.get("default", "TOKEN") == "changed"


@pytest.mark.parametrize("name", ["HOME", "", "../outside", "a/b", "NOBODY", "x" * 101, "a\x00b", "TOKEN\n"])
def test_what_is_no_secret_is_none(folder: Path, name: str) -> None:
    assert SecretFiles(folder, ENVIRONMENT).get("default", name) is None


def test_a_file_that_cannot_be_read_is_no_secret(folder: Path) -> None:
    (folder / "BYTES").write_bytes(b"\xff\xfe")
    (folder / "FOLDER").mkdir()
    secrets = SecretFiles(folder, {})
    assert (secrets.get("default", "BYTES"), secrets.get("default", "FOLDER")) == (None, None)


def test_without_a_folder_there_is_the_environment() -> None:
    assert SecretFiles(None, ENVIRONMENT).get("default", "TOKEN") == "from the environment"


@pytest.mark.parametrize("value", ["abc", "  abc \n", "ζξψ"])
def test_a_short_secret_is_refused_where_it_is_read(folder: Path, value: str) -> None:
    (folder / "IN_FILE").write_text(value)
    secrets = SecretFiles(folder, {"WORKFLOW_SECRET_PIN": value})
    reason = "has fewer than 4 characters, so it cannot be hidden in histories and logs; use another value, or remove"
    for name, place in (("IN_FILE", "the file IN_FILE in SECRETS_FOLDER"), ("PIN", "the variable WORKFLOW_SECRET_PIN")):
        with pytest.raises(UnusableSecret) as refused:
            secrets.get("default", name)
        assert str(refused.value) == f"secret {name!r} {reason} {place}"
        assert secrets.values("default", name) == ()


def test_a_long_secret_is_refused(folder: Path) -> None:
    secrets = SecretFiles(None, {"WORKFLOW_SECRET_A": "x" * LONGEST, "WORKFLOW_SECRET_B": "x" * (LONGEST + 1)})
    assert secrets.get("default", "A") == "x" * LONGEST
    with pytest.raises(UnusableSecret, match=r"secret 'B' has more than 8,192 characters"):
        secrets.get("default", "B")


@pytest.mark.parametrize("value", ["", "\n"])
def test_an_empty_value_is_none(folder: Path, value: str) -> None:
    (folder / "TOKEN").write_text(value)
    secrets = SecretFiles(folder, {"WORKFLOW_SECRET_EMPTY": ""})
    assert (secrets.get("default", "TOKEN"), secrets.get("default", "EMPTY")) == (None, None)


def test_all_secrets_are_read_and_hidden_and_those_that_cannot_be_are_named(folder: Path) -> None:
    (folder / "KEY").write_text("in-a-file\n")
    (folder / "namespace").write_text("dev")
    (folder / "ca.crt").write_text("no secret, by its name")
    secrets = SecretFiles(folder, ENVIRONMENT | {"WORKFLOW_SECRET_PIN": "42"})
    assert [reason.split(" has ")[0] for reason in secrets.read_all()] == ["secret 'PIN'", "secret 'namespace'"]
    assert secrets.mask().text("in-a-file, from the environment, 42, dev") == "***, ***, 42, dev"


def test_a_folder_that_is_not_there_has_no_secrets(tmp_path: Path) -> None:
    assert SecretFiles(tmp_path / "none", {}).read_all() == []


def test_what_a_secret_was_is_hidden_too(folder: Path) -> None:
    secrets = SecretFiles(folder, {})
    for number in range(VALUES_KEPT + 1):
        (folder / "TOKEN").write_text(f"value-{number}")
        assert secrets.get("default", "TOKEN") == f"value-{number}"
    assert secrets.values("default", "TOKEN") == tuple(f"value-{number}" for number in range(1, VALUES_KEPT + 1))
    assert secrets.mask().text("value-1 value-8") == "*** ***"


def test_a_value_that_comes_back_is_kept_once(folder: Path) -> None:
    secrets = SecretFiles(folder, {})
    for value in ("old-value", "new-value", "old-value"):
        (folder / "TOKEN").write_text(value)
        secrets.get("default", "TOKEN")
    assert secrets.values("default", "TOKEN") == ("new-value", "old-value")


def test_a_file_is_read_again_only_when_it_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, reads = folder / "TOKEN", list[str]()
    file.write_text("old-value")
    os.utime(file, ns=(1, 1))
    read = Path.read_text
    monkeypatch.setattr(Path, "read_text", lambda path, **how: (reads.append(path.name), read(path, **how))[1])
    secrets = SecretFiles(folder, {})
    assert [secrets.get("default", "TOKEN") for _ in range(3)] == ["old-value"] * 3
    assert reads == ["TOKEN"]
    file.write_text("new-value")
    os.utime(file, ns=(2, 2))
    assert secrets.get("default", "TOKEN") == "new-value"
