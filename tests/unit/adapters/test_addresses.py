from pathlib import Path

import pytest

from app.adapters.database_url import (
    FolderAddress,
    MemoryAddress,
    ServerAddress,
    StorageError,
    driver_dsn,
    parse_database_url,
    place,
)


@pytest.mark.parametrize("text", [None, "", "  ", "file:.workflow"])
def test_without_an_address_the_data_is_in_the_current_folder(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse_database_url(text) == FolderAddress(tmp_path / ".workflow")


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("file:/var/lib/workflow", "/var/lib/workflow"),
        ("file:///var/lib/workflow", "/var/lib/workflow"),
        ("file:/with a space/ä", "/with a space/ä"),
        ("file:~/data", str(Path("~/data").expanduser())),
    ],
)
def test_a_folder(text, folder):
    assert parse_database_url(text) == FolderAddress(Path(folder))


def test_memory():
    assert parse_database_url("memory:") == MemoryAddress()


@pytest.mark.parametrize("scheme", ["postgresql+asyncpg", "postgresql", "postgres"])
def test_every_spelling_of_a_server_becomes_one(scheme):
    assert parse_database_url(f"{scheme}://me:p%40ss@db:5433/work") == ServerAddress(
        "postgresql+asyncpg://me:p%40ss@db:5433/work"
    )


@pytest.mark.parametrize("option", ["sslmode=require", "ssl=require"])
def test_encryption_is_asked_for_in_the_words_of_each_reader(option):
    address = parse_database_url(f"postgres://db/work?{option}")
    assert address == ServerAddress("postgresql+asyncpg://db/work?ssl=require")
    assert driver_dsn(address.url) == "postgresql://db/work?sslmode=require"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("postgresql://me:p@a:1,b:2/work", "postgresql+asyncpg://me:p@a:1,b:2/work"),
        ("postgresql://me:p@a,b:5433/work", "postgresql+asyncpg://me:p@a,b:5433/work"),
        ("postgresql://me@/work?host=a:1&host=b:2", "postgresql+asyncpg://me@/work?host=a%3A1%2Cb%3A2"),
        ("postgresql://me@/work?host=a,b&port=1,2", "postgresql+asyncpg://me@/work?host=a%2Cb&port=1%2C2"),
        (
            "postgresql://a,b/work?target_session_attrs=primary&target_session_attrs=any",
            "postgresql+asyncpg://a,b/work?target_session_attrs=any",
        ),
    ],
)
def test_several_hosts_are_one_list_however_they_are_written(text, url):
    assert parse_database_url(text) == ServerAddress(url)


def test_several_hosts_may_be_shown():
    assert place("postgresql+asyncpg://me:secret@a:1,b/work") == "a:1,b:5432/work"


def test_a_unix_socket():
    assert parse_database_url("postgresql://me@/work?host=/run/postgresql") == ServerAddress(
        "postgresql+asyncpg://me@/work?host=%2Frun%2Fpostgresql"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sqlite:///x.db", "'sqlite', which is not supported"),
        ("mysql://me:secret@db/work", "'mysql', which is not supported"),
        ("postgresql+psycopg2://me:secret@db/work", "psycopg2', which is not supported"),
        ("file:", "without a folder"),
        ("memory", "is not supported"),
        ("postgresql://", "names no host"),
        ("postgresql://me:secret@db:port/work", "not a valid address"),
        ("postgresql://me:secret@a:1,b:port/work", "not a valid address"),
        ("postgresql://me:secret@a,,b/work", "names no host"),
        ("postgresql://me:secret@:5432/work", "names no host"),
        ("postgresql://me:secret/x@db/work", "percent-encoded"),
        ("postgresql://me:secret@db/work?application_name=x", "'application_name', which is not supported"),
    ],
)
def test_what_cannot_be_used_is_said_without_the_password(text, sentence):
    with pytest.raises(StorageError, match=sentence) as caught:
        parse_database_url(text)
    assert "secret" not in str(caught.value)


def test_what_may_be_shown_of_an_address():
    assert place("postgresql+asyncpg://me:secret@db:5433/work") == "db:5433/work"
    assert place("postgresql+asyncpg://me:secret@db/work") == "db:5432/work"
