"""The meaning of `<<` in a definition file: https://yaml.org/type/merge.html, and rules for what that page leaves open.

YAML 1.2 has no merges, and releases of PyYAML merge differently, so this module does it. `<<` takes a mapping or a list
of mappings. Their fields are added unless the mapping has a field of that name itself; if several mappings have a
field, the first one wins. Merged fields come first. A mapping is merged with the fields that it merges itself.
"""

from collections.abc import Iterator

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

MERGE = "tag:yaml.org,2002:merge"

Pair = tuple[Node, Node]


class Merges:
    """Merges the mappings of one document, each of them once.

    Attributes:
        limit: the largest number of merged fields in the document, because a short text can ask for any number.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0
        self._open: set[int] = set()

    def merge(self, node: MappingNode) -> None:
        """Replace the `<<` of a mapping by the merged fields. Raise `yaml.MarkedYAMLError`."""
        merged = [pair for pair in node.value if pair[0].tag == MERGE]
        if not merged:
            return
        if id(node) in self._open:
            raise _at(node, "this mapping merges itself")
        self._open.add(id(node))
        own = {key.value: (key, value) for key, value in node.value if key.tag != MERGE}
        node.value = [*(self._taken_over(merged[0][1]) | own).values()]
        self._open.remove(id(node))

    def _taken_over(self, value: Node) -> dict[str, Pair]:
        found: dict[str, Pair] = {}
        for source in _sources(value):
            self.merge(source)
            self._taken += len(source.value)
            if self._taken > self.limit:
                raise _at(value, f"the file merges more than {self.limit:,} fields")
            for key, field in source.value:
                found.setdefault(key.value, (key, field))
        return found


def _sources(value: Node) -> Iterator[MappingNode]:
    for item in value.value if isinstance(value, SequenceNode) else [value]:
        if not isinstance(item, MappingNode):
            raise _at(item, "<< takes a mapping or a list of mappings, as in <<: *name")
        yield item


def _at(node: Node, message: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=message, problem_mark=node.start_mark)
