import json
from pathlib import Path

import pytest

from app.api.rest.files.json_documents import load_json
from app.api.rest.files.places import DocumentError
from app.cli.errors import CliError
from app.cli.files.definition_files import Definition, read_definitions


def written(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(*paths: Path) -> str:
    with pytest.raises(CliError) as caught:
        read_definitions(paths)
    assert caught.value.exit_code == 2
    return caught.value.message


def test_one_workflow_per_file(tmp_path: Path):
    first = written(tmp_path, "a.yaml", "key: a\nname: A\n")
    second = written(tmp_path, "b.json", '\ufeff{"key": "b", "name": "\\ud83d\\ude00"}')
    assert read_definitions([first, second]) == [
        Definition(str(first), "a", {"key": "a", "name": "A"}),
        Definition(str(second), "b", {"key": "b", "name": "😀"}),
    ]


def test_a_stream_names_its_documents(tmp_path: Path):
    path = written(tmp_path, "all.yml", "---\nkey: a\n---\nkey: b\n---\n")
    assert [definition.source for definition in read_definitions([path])] == [
        f"{path} (document 1)",
        f"{path} (document 2)",
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "name: A\n", ":1:1: `key` is missing; it identifies the definition"),
        ("a.yaml", "key: 7\n", ":1:1: key: must be text; put it in quotes"),
        ("a.yaml", "key: '7'\n", ":1:1: key: must not be all digits: it would read as an id"),
        ("a.yaml", "key: ../x\n", ":1:1: key: must be 1 to 100 of a-z A-Z 0-9 . _ -"),
        ("a.yaml", "- key: a\n", ":1:1: a definition is a mapping with `key`, `name` and `tasks`"),
        ("a.yaml", "", " contains no definition"),
        ("a.yaml", "# nothing\n", " contains no definition"),
        ("a.yaml", "key: a\nkey: b\n", ":2:1: the key 'key' appears twice in one mapping"),
        ("a.yaml", b"key: \xff\n", " cannot be read: it is not UTF-8 text"),
        ("a.json", "{,}", ":1:2: this is not JSON: a name in double quotes is missing here"),
        ("a.json", '{"key": NaN}', ":1:2: key: must be a finite number"),
        ("a.json", "[]", ":1:1: a definition is a mapping"),
    ],
)
def test_unusable_files_are_named_with_the_reason(tmp_path: Path, name: str, text: str | bytes, message: str):
    path = written(tmp_path, name, text)
    assert refusal(path).startswith(f"{path}{message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: A\nsteps: []\n", ":1:1: `id` is missing; it identifies the definition"),
        ("key: a\nsteps: []\n", ":1:1: `id` is missing; it identifies the definition"),
        ("name: A\nid: 7\nsteps: []\n", ":2:1: id: must be text; put it in quotes"),
        ("name: A\nid: '7'\nsteps: []\n", ":2:1: id: must not be all digits: it would read as an id"),
    ],
)
def test_a_file_with_steps_has_its_key_in_id(tmp_path: Path, text: str, message: str):
    path = written(tmp_path, "a.yaml", text)
    assert refusal(path) == f"{path}{message}"


def test_an_id_of_steps_and_a_key_of_tasks_may_not_be_the_same(tmp_path: Path):
    path = written(tmp_path, "a.yaml", "id: a\nname: A\nsteps: []\n---\nname: A\nkey: a\n")
    assert refusal(path) == f"{path}:6:1: the key 'a' is already that of {path}:1:1"


def test_a_missing_file_and_an_empty_folder_are_named(tmp_path: Path):
    assert refusal(tmp_path / "no.yaml", tmp_path).splitlines() == [
        f"{tmp_path / 'no.yaml'} cannot be read: No such file or directory",
        f"{tmp_path} contains no .yaml, .yml or .json file",
    ]


def test_a_folder_is_read_whole_and_sorted_without_what_is_hidden(tmp_path: Path):
    for name in ("b.yml", "a/z.json", "a/c.YAML", ".git/x.yaml", "a/.hidden.yaml", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        written(tmp_path, name, json.dumps({"key": Path(name).stem.lower().strip(".")}))
    found = read_definitions([tmp_path])
    assert [definition.source for definition in found] == [
        str(tmp_path / name) for name in ("a/c.YAML", "a/z.json", "b.yml")
    ]


def test_everything_wrong_is_told_at_once(tmp_path: Path):
    good = written(tmp_path, "good.yaml", "key: a\n")
    stream = written(tmp_path, "stream.yaml", "key: a\n---\nname: no key\n")
    assert refusal(good, stream).splitlines() == [
        f"{stream}:3:1: `key` is missing; it identifies the definition",
        f"{stream}:1:1: the key 'a' is already that of {good}:1:1",
    ]


def test_a_file_given_twice_is_refused(tmp_path: Path):
    path = written(tmp_path, "a.yaml", "key: a\n")
    assert "is already that of" in refusal(path, path)


def test_json_keys_may_repeat_in_different_objects_and_in_texts():
    text = '{"a": {"k": 1}, "b": [{"k": "\\"k\\": {"}, {"k": "k"}], "c": "k"}'
    assert load_json(text)[0]["b"][1] == {"k": "k"}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ('{"k": 1, "k": 2}', 1, 10),
        ('{\n "a": {"x": "}"},\n "b": [{"k": 1,\n "\\u006b" : 2}]\n}', 4, 2),
    ],
)
def test_a_json_key_twice_in_one_object_is_refused_with_its_place(text: str, line: int, column: int):
    with pytest.raises(DocumentError, match="the key 'k' appears twice in one object") as caught:
        load_json(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_deeply_nested_json_is_refused():
    with pytest.raises(DocumentError, match="nested deeper than 64 levels"):
        load_json("[" * 200_000 + "]" * 200_000)
