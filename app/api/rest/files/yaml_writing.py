"""Writes YAML for people: multi-line strings as blocks, quotes only if needed. Reading it returns equal values."""

import re
from collections.abc import Sequence
from typing import Any

import yaml
from yaml.nodes import Node, ScalarNode

from app.api.rest.files.yaml_documents import JsonLoader

WIDTH = 100

_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


def yaml_text(documents: Sequence[Any]) -> str:
    """A YAML stream with one document per JSON value. `load_yaml` and readers of YAML 1.1 return the same values."""
    return yaml.dump_all(
        documents,
        Dumper=_Writer,
        allow_unicode=True,
        default_flow_style=False,
        sort_keys=False,
        width=WIDTH,
        explicit_start=len(documents) > 1,
    )


class _Writer(yaml.SafeDumper):
    # A string is unquoted only if neither YAML 1.1 nor 1.2 reads it as another type.
    yaml_implicit_resolvers = {  # noqa: RUF012 - the one way to give PyYAML its table
        first: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
            *JsonLoader.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *JsonLoader.yaml_implicit_resolvers}
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their name."""
        super().increase_indent(flow, indentless=False)


def _text(writer: _Writer, text: str) -> ScalarNode:
    # YAML 1.1 reads these as line ends, and PyYAML then loses them. In quotes they are written as escapes.
    style = '"' if _OTHER_LINE_ENDS.search(text) else "|" if "\n" in text else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style)


def _list(writer: _Writer, values: list[Any]) -> Node:
    """Write a list of plain values on one line if it fits."""
    short = all(not isinstance(value, dict | list) and "\n" not in str(value) for value in values)
    fits = short and sum(len(str(value)) + 2 for value in values) < WIDTH // 2
    return writer.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=fits)


_Writer.add_representer(str, _text)
_Writer.add_representer(list, _list)
