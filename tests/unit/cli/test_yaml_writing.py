"""What is written as YAML is read as it was, and is pleasant to read."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as some

from app.api.rest.files.yaml_documents import load_yaml
from app.api.rest.files.yaml_writing import yaml_text

TEXTS = some.text(some.characters(codec="utf-8", exclude_characters="\x00"))
INTEGERS = some.integers(-(2**63), 2**64 - 1)
VALUES = some.recursive(
    some.none() | some.booleans() | INTEGERS | some.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: some.lists(inner) | some.dictionaries(TEXTS, inner),
)
AMBIGUOUS = [
    "on",
    "no",
    "12:30",
    "010",
    "0o17",
    "1e3",
    "1_000",
    "2026-01-01",
    "~",
    "",
    "null",
    "=",
    "<<",
    ".",
    "0x1F",
    "1.",
]


def read(text: str) -> list[object]:
    return [document for document, _ in load_yaml(text)]


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(some.lists(some.dictionaries(TEXTS, VALUES), min_size=1, max_size=3))
def test_whatever_is_written_is_read_again(documents: list[dict]):
    assert repr(read(yaml_text(documents))) == repr(documents)


@settings(deadline=None, max_examples=40)
@given(
    some.lists(some.sampled_from(["a", " ", "\n", "\t", "#", ":", "-", "é", "\x85", "\u2028", "'", '"']), max_size=12)
)
def test_every_text_is_read_again(parts: list[str]):
    text = "".join(parts)
    assert read(yaml_text([{"t": text, "in": [{"t": text}]}])) == [{"t": text, "in": [{"t": text}]}]


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_a_text_that_looks_like_something_else_stays_a_text(text: str):
    written = yaml_text([{"t": text, text: 1}])
    assert read(written) == [{"t": text, text: 1}]
    assert yaml.safe_load(written) == {"t": text, text: 1}


def test_it_reads_well():
    document = {
        "key": "a",
        "description": "First line.\nSecond: line # with signs.\n",
        "depends_on": ["one", "two"],
        "tasks": [{"name": "on", "config": {"seconds": 0.5, "list": [{"a": []}], "none": {}}}],
    }
    assert (
        yaml_text([document])
        == """\
key: a
description: |
  First line.
  Second: line # with signs.
depends_on: [one, two]
tasks:
  - name: 'on'
    config:
      seconds: 0.5
      list:
        - a: []
      none: {}
"""
    )


def test_several_documents_are_a_stream():
    assert yaml_text([{"key": "a"}, {"key": "b"}]) == "---\nkey: a\n---\nkey: b\n"
