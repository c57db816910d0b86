import pytest

from app.cli.files import yaml_documents
from app.cli.files.yaml_documents import DocumentError
from app.cli.files.yaml_documents import load_yaml as load_with_places


def load_yaml(text: str) -> list[object]:
    return [document for document, _ in load_with_places(text)]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("12:30", "12:30"),
        ("on", "on"),
        ("No", "No"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("=", "="),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("-7", -7),
        ("0o17", 15),
        ("0x1F", 31),
        ("12345678901234567890", 12345678901234567890),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        (".", "."),
        ("-", [None]),
        ("1.2.3", "1.2.3"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
    ],
)
def test_scalars_read_as_in_json(written: str, read: object):
    [document] = load_yaml(written) or [None]
    assert document == read
    assert type(document) is type(read)


def test_a_stream_holds_several_documents():
    assert load_yaml("a: 1\n---\na: 2\n...\n") == [{"a": 1}, {"a": 2}]


def test_anchors_and_merges_work():
    text = "base: &b {retry: {max_attempts: 3}, type: log}\ntask: {<<: *b, type: http}\n"
    [document] = load_yaml(text)
    assert document["task"] == {"retry": {"max_attempts": 3}, "type": "http"}


def test_a_merged_mapping_may_itself_merge():
    text = "x: {deep: {a: &a {<<: &b {k: 1}, k: 2}}}\ny: {<<: *a}\n"
    assert load_yaml(text) == [{"x": {"deep": {"a": {"k": 2}}}, "y": {"k": 2}}]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb:\n  url: x\n  url: y\n", 4, "the key 'url' appears twice in one mapping"),
        ("a: 1\n'a': 2\n", 2, "the key 'a' appears twice in one mapping"),
        ("a: 1\n1: 2\n", 2, "the key `1` is not text; put it in quotes"),
        ("true: 2\n", 1, "the key `true` is not text; put it in quotes"),
        ("? [a]\n: 1\n", 1, "the key of this mapping is not text; put it in quotes"),
        ("a: !!timestamp 2026-01-02\n", 1, "the tag !!timestamp has no form in JSON"),
        ("a: !!binary aGk=\n", 1, "the tag !!binary has no form in JSON"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, "the tag !!python/object/apply:os.system has no form"),
        ("a:\n  - .nan\n", 2, "`.nan` is a number that JSON does not have"),
        ("a: -.inf\n", 1, "`-.inf` is a number that JSON does not have"),
        ("a: 1e999\n", 1, "`1e999` is a number that JSON does not have"),
        ("a: !!int x\n", 1, "`x` is not a usable integer"),
        ("a: !!float x\n", 1, "`x` is a number that JSON does not have"),
        (f"a: {'9' * 5000}\n", 1, "is not a usable integer"),
        ("a: [1\nb: 2\n", 2, "while parsing a flow sequence"),
        ("a: *nobody\n", 1, "found undefined alias"),
        ("\ta: 1\n", 1, "cannot start any token"),
        ("a: \x07\n", None, "special characters are not allowed"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_line(text: str, line: int | None, message: str):
    with pytest.raises(DocumentError) as caught:
        load_yaml(text)
    assert caught.value.line == line
    assert message in caught.value.message


def test_an_alias_to_itself_is_refused():
    with pytest.raises(DocumentError, match="more than 100,000 values"):
        load_yaml("a: &a [*a]\n")


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DocumentError, match="after its aliases are resolved"):
        load_yaml("\n".join(lines))


def test_too_deep_nesting_is_refused():
    with pytest.raises(DocumentError, match="nested too deeply"):
        load_yaml("[" * 5_000 + "]" * 5_000)


def test_the_limit_counts_values(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml_documents, "MAX_VALUES", 4)
    assert load_yaml("[1, 2, 3]") == [[1, 2, 3]]
    with pytest.raises(DocumentError):
        load_yaml("[1, 2, 3, 4]")
