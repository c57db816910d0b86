"""Paths of problems lead to lines and columns, in YAML and in JSON."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from app.api.rest.files.json_documents import load_json
from app.api.rest.files.places import Passage, Place
from app.api.rest.files.yaml_documents import load_yaml
from app.domain.errors import Problem

TEXTS = some.text(some.characters(exclude_characters="\x00", exclude_categories=["Cs"]))

YAML = """\
# a comment
key: k
base: &base
  retry: {max_attempts: 3}
tasks:
  - name: one
    config:
      url: x
      headers: {X.Y: "1", X: {Y: 2}}
  - {name: two,
     <<: *base}
  -
    name: three
    retry: {<<: {jitter: 1}, jitter: 2}
"""
JSON = """\
{
  "key": "k",
  "tasks": [
    {"name": "one", "config": {"url": "a, [b]: {\\"c\\"}", "n": -1.5e3}},
    {
      "name": "two", "depends_on": ["one",
        "three"], "config": {}, "caf\\u00e9": []
    }
  ]
}
"""


def yaml_place(text: str) -> Place:
    [(_, place)] = load_yaml(text)
    return place


def at(place: Place, path: str) -> tuple[int, int]:
    found = place.find(path)
    return found.line, found.column


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", (2, 1)),
        ("body", (2, 1)),
        ("key", (2, 1)),
        ("name", (2, 1)),
        ("tasks", (5, 1)),
        ("tasks[0]", (6, 5)),
        ("tasks[0].config.url", (8, 7)),
        ("tasks[0].config.method", (7, 5)),
        ("tasks[0].config.headers.X.Y", (9, 17)),
        ("tasks[1]", (10, 5)),
        ("tasks[1].retry.max_attempts", (4, 11)),
        ("tasks[1].execution_type", (10, 5)),
        ("tasks[2].name", (13, 5)),
        ("tasks[2].retry.jitter", (14, 30)),
        ("tasks[3].name", (5, 1)),
        ("keys", (2, 1)),
    ],
)
def test_places_in_yaml(path: str, place: tuple[int, int]):
    assert at(yaml_place(YAML), path) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("", (1, 1)),
        ("key", (2, 3)),
        ("tasks[0]", (4, 5)),
        ("tasks[0].config.n", (4, 58)),
        ("tasks[1]", (5, 5)),
        ("tasks[1].depends_on[0]", (6, 37)),
        ("tasks[1].depends_on[1]", (7, 9)),
        ("tasks[1].config.url", (7, 19)),
        ("tasks[1].café", (7, 33)),
        ("tasks[1].depends_on[2]", (6, 22)),
    ],
)
def test_places_in_json(path: str, place: tuple[int, int]):
    assert at(load_json(JSON)[1], path) == place


def test_the_documents_of_a_stream_have_their_own_places():
    places = [place for _, place in load_yaml("key: a\n---\n\nkey: b\n")]
    assert [at(place, "key") for place in places] == [(1, 1), (4, 1)]


def test_a_problem_is_told_with_its_place():
    passage = Passage("flows/a.yaml", yaml_place(YAML))
    assert passage.located(Problem("tasks[0].config.url", "is bad")) == "flows/a.yaml:8:7: tasks[0].config.url: is bad"
    assert passage.located(Problem("", "is bad")) == "flows/a.yaml:2:1: is bad"


def test_a_value_that_stands_in_several_places_is_told_where_it_is_used():
    place = yaml_place("one: &a {x: 1}\ntwo: *a\n")
    assert (at(place, "two"), at(place, "two.x")) == ((2, 1), (1, 10))


@settings(deadline=None)
@given(
    some.recursive(
        some.none()
        | some.booleans()
        | some.integers(-(2**63), 2**64 - 1)
        | some.floats(allow_nan=False, allow_infinity=False)
        | TEXTS,
        lambda inner: some.lists(inner) | some.dictionaries(TEXTS, inner),
    ),
    some.sampled_from([None, 2]),
)
@pytest.mark.slow
def test_every_value_of_a_json_text_has_its_place(document: object, indent: int | None):
    text = json.dumps(document, indent=indent)
    value, place = load_json(text)
    assert value == document
    check_places(text.splitlines(), value, place)


def check_places(lines: list[str], value: object, place: Place) -> None:
    if isinstance(value, dict):
        assert place.fields.keys() == value.keys()
        for name, inner in value.items():
            named = place.fields[name]
            assert lines[named.line - 1][named.column - 1 :].startswith(json.dumps(name) + ":")
            check_places(lines, inner, named)
    elif isinstance(value, list):
        assert len(place.items) == len(value)
        for item, inner in zip(place.items, value, strict=True):
            begin = json.dumps(inner)[:1]
            assert lines[item.line - 1][item.column - 1 :].startswith(begin)
            check_places(lines, inner, item)
