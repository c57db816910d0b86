"""YAML for people: several lines of text as a block, nothing quoted without need, and read again as it was."""

import re
from collections.abc import Sequence
from typing import Any

import yaml
from yaml.nodes import Node, ScalarNode

from app.cli.files.yaml_documents import JsonLoader

WIDTH = 100

_OTHER_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


def yaml_text(documents: Sequence[Any]) -> str:
    """A stream of JSON values, each a document; `load_yaml` gives them back, and so do readers of YAML 1.1."""
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
    # A text stays unquoted only when neither YAML 1.1 nor 1.2 takes it for something else.
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
        """Lists are indented below their name."""
        super().increase_indent(flow, indentless=False)


def _text(writer: _Writer, text: str) -> ScalarNode:
    # YAML 1.1 takes these for ends of lines, and PyYAML then loses them; quoted, they are written as escapes.
    style = '"' if _OTHER_LINE_ENDS.search(text) else "|" if "\n" in text else None
    return writer.represent_scalar("tag:yaml.org,2002:str", text, style)


def _list(writer: _Writer, values: list[Any]) -> Node:
    """A list of plain values on one line where it has room there."""
    short = all(not isinstance(value, dict | list) and "\n" not in str(value) for value in values)
    fits = short and sum(len(str(value)) + 2 for value in values) < WIDTH // 2
    return writer.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=fits)


_Writer.add_representer(str, _text)
_Writer.add_representer(list, _list)
