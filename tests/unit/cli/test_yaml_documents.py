import json

import pytest

from app.api.rest.files import yaml_documents
from app.api.rest.files.places import DocumentError
from app.api.rest.files.yaml_documents import load_yaml as load_with_places
from tests.support.cost import at_most

FEW = 500
"""Units of CPU time: without a limit, merges within merges double with each level."""


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


MERGES = [
    # own fields win, wherever << stands; what is taken over comes first
    ("a: &a {k: 1, l: 1}\nx: {k: 2, <<: *a}\n", {"k": 2, "l": 1}),
    ("a: &a {k: 1, l: 1}\nx: {<<: *a, k: 2}\n", {"k": 2, "l": 1}),
    ("a: &a {k: 1, l: 1}\nx: {m: 2, <<: *a}\n", {"k": 1, "l": 1, "m": 2}),
    ("a: &a {k: 1}\nx: {<<: *a, k: null}\n", {"k": None}),
    # of several mappings the first that has a field gives it
    ("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nx: {<<: [*a, *b]}\n", {"k": 1, "l": 2}),
    ("a: &a {k: 1}\nb: &b {k: 2, l: 2}\nx: {<<: [*b, *a]}\n", {"k": 2, "l": 2}),
    ("x: {<<: [{k: 1}, {k: 2, m: 2}, {m: 3, n: 3}]}\n", {"k": 1, "m": 2, "n": 3}),
    # what is merged is complete: it has what it merges itself
    ("a: &a {k: 1}\nb: &b {<<: *a, l: 2}\nx: {<<: *b, m: 3}\n", {"k": 1, "l": 2, "m": 3}),
    ("a: &a {k: 1}\nb: &b {<<: *a, k: 2}\nx: {<<: *b}\n", {"k": 2}),
    ("a: &a {k: 1}\nb: &b {<<: *a, l: 2}\nc: &c {k: 3, l: 3}\nx: {<<: [*b, *c]}\n", {"k": 1, "l": 2}),
    ("a: &a {k: 1}\nb: &b {<<: *a, l: 2}\nc: &c {k: 3, l: 3}\nx: {<<: [*c, *b]}\n", {"k": 3, "l": 3}),
    ("a: &a {k: 1, l: 1}\nb: &b {<<: *a, k: 2}\nc: &c {<<: *a, l: 3}\nx: {<<: [*b, *c]}\n", {"k": 2, "l": 1}),
    ("a: &a {k: 1, l: 1}\nb: &b {<<: *a, k: 2}\nc: &c {<<: *a, l: 3}\nx: {<<: [*c, *b]}\n", {"k": 1, "l": 3}),
    # objects within are taken over whole
    ("a: &a {r: {m: 1, n: 1}}\nx: {<<: *a, r: {m: 2}}\n", {"r": {"m": 2}}),
    ("a: &a {r: &r {m: 1}}\nx: {<<: *a, s: {<<: *r, n: 2}}\n", {"r": {"m": 1}, "s": {"m": 1, "n": 2}}),
    # an empty list and an empty mapping add nothing; in quotes it is a name
    ("x: {<<: [], k: 1}\n", {"k": 1}),
    ("x: {<<: {}, k: 1}\n", {"k": 1}),
    ("x: {'<<': 1}\n", {"<<": 1}),
]


@pytest.mark.parametrize(("text", "expected"), MERGES)
def test_merges_mean_what_the_documentation_says(text, expected):
    [document] = load_yaml(text)
    assert json.dumps(document["x"]) == json.dumps(expected)


def test_a_merged_field_has_the_place_where_it_is_written():
    text = "a: &a\n  k: 1\nb: &b\n  <<: *a\n  l: 2\nx:\n  <<: *b\n  m: 3\n"
    [(_, place)] = load_with_places(text)
    found = {name: place.find(f"x.{name}") for name in "klm"}
    assert {name: (at.line, at.column) for name, at in found.items()} == {"k": (2, 3), "l": (5, 3), "m": (8, 3)}


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("x: {<<: 1}\n", 1, 9, "<< takes a mapping or a list of mappings, as in <<: *name"),
        ("a: &a [1]\nx: {<<: *a}\n", 1, 8, "<< takes a mapping or a list of mappings, as in <<: *name"),
        ("x:\n  <<: [{a: 1}, b]\n", 2, 16, "<< takes a mapping or a list of mappings, as in <<: *name"),
        ("x:\n  <<: [[{a: 1}]]\n", 2, 8, "<< takes a mapping or a list of mappings, as in <<: *name"),
        ("x: {<<: null}\n", 1, 9, "<< takes a mapping or a list of mappings, as in <<: *name"),
        ("x: &x\n  <<: *x\n", 1, 4, "this mapping merges itself"),
        ("x: &x\n  a: 1\n  y: {<<: *x}\n", 3, 6, "this contains itself, by an alias"),
        ("x: {<<: {a: 1}, <<: {b: 1}}\n", 1, 17, "the key '<<' appears twice in one mapping"),
    ],
)
def test_what_cannot_be_merged_is_refused_with_its_place(text, line, column, message):
    with pytest.raises(DocumentError) as caught:
        load_yaml(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert message in caught.value.message


@pytest.mark.parametrize("width", [2, 9])
def test_merges_within_merges_take_no_time(width):
    """520 bytes of these took for ever."""
    lines = ["a0: &a0 {k0: 0}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * width)}], k{n}: {n}}}" for n in range(1, 30)]
    with at_most(FEW):
        [document] = load_yaml("\n".join(lines))
    assert document["a29"] == {f"k{n}": n for n in range(30)}


def test_merges_are_bounded():
    fields = ", ".join(f"k{n}: {n}" for n in range(2_000))
    merges = "\n".join(f"b{n}: {{<<: *a}}" for n in range(51))
    with pytest.raises(DocumentError, match="the file merges more than 100,000 fields") as caught:
        load_yaml(f"a: &a {{{fields}}}\n{merges}\n")
    assert caught.value.line is not None


def test_a_long_chain_of_merges_is_read_or_refused():
    lines = ["a0: &a0 {k: 0}", *(f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 3_000))]
    [document] = load_yaml("\n".join(lines))
    assert document["a2999"] == {"k": 0}


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
        (f"a: {'9' * 5000}\n", 1, "must be an integer of at most 64 bits"),
        (f"a: -{'9' * 5000}\n", 1, "must be an integer of at most 64 bits"),
        ("a: 1\nb: [18446744073709551616]\n", 2, "b[0]: must be an integer of at most 64 bits"),
        ("a: -9223372036854775809\n", 1, "a: must be an integer of at most 64 bits"),
        ("a: 0xFFFFFFFFFFFFFFFFF\n", 1, "a: must be an integer of at most 64 bits"),
        ('a: "\\0"\n', 1, "a: must not contain the NUL character"),
        ('a: "\\uD800"\n', 1, "a: must not contain lone surrogates"),
        ("[" * 65 + "]" * 65, 1, "must not be nested deeper than 64 levels"),
        ("a: [1\nb: 2\n", 2, "`,` or `]` is missing here, in the list that begins at line 1"),
        ("a: *nobody\n", 1, "`*nobody` names no anchor"),
        ("\ta: 1\n", 1, "a tab is not allowed here"),
        ("a: \x07\n", 1, "the character U+0007 is not allowed"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_line(text: str, line: int | None, message: str):
    with pytest.raises(DocumentError) as caught:
        load_yaml(text)
    assert caught.value.line == line
    assert message in caught.value.message


def test_an_alias_to_itself_is_refused():
    with pytest.raises(DocumentError, match="this contains itself, by an alias") as caught:
        load_yaml("b: 1\na: &a [*a]\n")
    assert caught.value.line == 2


def test_aliases_that_multiply_are_refused():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DocumentError, match="more than 100,000 values after its aliases are resolved") as caught:
        load_yaml("\n".join(lines))
    assert caught.value.line == 5, "a4 has 111,111 values"


def test_all_documents_of_a_file_share_the_limit():
    large = f"a: &a [{', '.join('x' * 100)}]\nb: [{', '.join(['*a'] * 400)}]\n"
    assert len(load_yaml("---\n".join([large] * 2))) == 2
    with pytest.raises(DocumentError, match="more than 100,000 values") as caught:
        load_yaml("---\n".join([large] * 3))
    assert caught.value.line == 8


def test_too_deep_nesting_is_refused():
    with pytest.raises(DocumentError, match="nested deeper than 64 levels"):
        load_yaml("[" * 5_000 + "]" * 5_000)


def test_the_limit_counts_values(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(yaml_documents, "MAX_VALUES", 4)
    assert load_yaml("[1, 2, 3]") == [[1, 2, 3]]
    with pytest.raises(DocumentError):
        load_yaml("[1, 2, 3, 4]")
