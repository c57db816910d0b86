"""Reads YAML as JSON: the core schema of YAML 1.2, restricted to the values of JSON.

PyYAML's own loaders read YAML 1.1, where `on` is true, `12:30` is 750, `010` is 8 and `2026-01-01` is a date.
Here they all stay strings, as written.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from app.api.rest.files.places import DocumentError, Place
from app.api.rest.files.yaml_aliases import expanded_size
from app.api.rest.files.yaml_merges import MERGE, Merges
from app.api.rest.files.yaml_mistakes import explained, explained_character
from app.domain.json_values import BEYOND_64_BITS, MAX_DEPTH, storage_problems, too_deep

MAX_VALUES = 100_000

_CORE = "tag:yaml.org,2002:"
_TEXT = f"{_CORE}str"

# Numbers with a leading zero stay strings: YAML 1.1 and 1.2 read them differently.
_PLAIN_FORMS = (
    ("null", r"~|null|Null|NULL|", "~nN", True),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF", False),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789", False),
    (
        "float",
        r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
        False,
    ),
    ("merge", r"<<", "<", False),
)


def load_yaml(text: str) -> list[tuple[Any, Place]]:
    """The documents of a YAML stream as JSON values, with their places. Raise `DocumentError`."""
    try:
        documents = list(_documents(text))
    except yaml.MarkedYAMLError as error:
        raise explained(error) from None
    except ReaderError as error:
        raise explained_character(error, text) from None
    except RecursionError:
        raise DocumentError(None, too_deep(MAX_DEPTH)) from None
    return documents


def _documents(text: str) -> Iterator[tuple[Any, Place]]:
    loader, values = JsonLoader(text), 0
    try:
        while loader.check_node():
            node: Any = loader.get_node()
            document = loader.construct_document(node)
            values += expanded_size(node, values, MAX_VALUES)
            place = _place(node, node.start_mark, {})
            for problem in storage_problems(document, "", MAX_DEPTH):
                raise place.error(problem)
            yield document, place
    finally:
        loader.dispose()


def _place(node: Node, mark: yaml.Mark, known: dict[int, Place]) -> Place:
    """The places in `node`, which starts at `mark` (or its name does). `known` has the places of earlier nodes."""
    if id(node) in known:
        same = known[id(node)]
        return Place(mark.line + 1, mark.column + 1, same.fields, same.items)
    place = known[id(node)] = Place(mark.line + 1, mark.column + 1)
    if isinstance(node, MappingNode):
        # Merged fields come before the mapping's own fields, which take precedence.
        place.fields.update({key.value: _place(value, key.start_mark, known) for key, value in node.value})
    elif isinstance(node, SequenceNode):
        place.items.extend(_place(item, item.start_mark, known) for item in node.value)
    return place


class JsonLoader(yaml.SafeLoader):
    """Reads each scalar by the rules of the core schema."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - replaces PyYAML's table of YAML 1.1 forms
    yaml_constructors = {}  # noqa: RUF012 - replaces PyYAML's table, which makes dates, bytes and sets

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._merges = Merges(MAX_VALUES)

    def flatten_mapping(self, node: MappingNode) -> None:
        """Replaces the merges of PyYAML, which differ between releases."""
        self._merges.merge(node)

    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, ScalarNode) or key.tag not in (_TEXT, MERGE):
                raise _at(key, f"the key {_written(key)} is not text; put it in quotes")
            if key.value in seen:
                raise _at(key, f"the key {key.value!r} appears twice in one mapping")
            seen.add(key.value)
        return node


def _integer(loader: JsonLoader, node: ScalarNode) -> int:
    try:
        return int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10)
    except ValueError:
        # Python refuses to parse very long integers.
        is_long = node.value.lstrip("+-").isdigit()
        problem = BEYOND_64_BITS if is_long else "is not a usable integer"
        raise _at(node, f"{_written(node)} {problem}") from None


def _number(loader: JsonLoader, node: ScalarNode) -> float:
    try:
        number = float(node.value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _at(node, f"{_written(node)} is a number that JSON does not have")
    return number


def _unknown(loader: JsonLoader, node: Node) -> None:
    tag = node.tag.replace(_CORE, "!!")
    raise _at(node, f"the tag {tag} has no form in JSON; write a plain or quoted value")


def _at(node: Node, message: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=message, problem_mark=node.start_mark)


def _written(node: Node) -> str:
    return f"`{node.value[:40]}`" if isinstance(node, ScalarNode) else "of this mapping"


for _name, _form, _first, _or_empty in _PLAIN_FORMS:
    _starts = [*_first, ""] if _or_empty else [*_first]
    JsonLoader.add_implicit_resolver(f"{_CORE}{_name}", re.compile(rf"(?:{_form})\Z"), _starts)

for _name, _construct in (
    ("null", JsonLoader.construct_yaml_null),
    ("bool", JsonLoader.construct_yaml_bool),
    ("str", JsonLoader.construct_yaml_str),
    ("seq", JsonLoader.construct_yaml_seq),
    ("map", JsonLoader.construct_yaml_map),
    ("int", _integer),
    ("float", _number),
):
    JsonLoader.add_constructor(f"{_CORE}{_name}", _construct)
JsonLoader.add_constructor(None, _unknown)
