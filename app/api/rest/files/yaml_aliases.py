"""Counts the values of a document as they are when its aliases are resolved: a short text can ask for any number."""

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode


def expanded_size(document: Node, before: int, limit: int) -> int:
    """The number of values in the document. Each node is counted once, however many aliases it has.

    before: the number of values in earlier documents of the file.
    limit: how many the file may have.

    Raise `yaml.MarkedYAMLError` at the smallest value with which there are more, or at one that contains itself.
    """
    sizes: dict[int, int] = {}
    opened: set[int] = set()
    waiting: list[tuple[Node, bool]] = [(document, False)]
    while waiting:
        node, is_counted = waiting.pop()
        if is_counted:
            opened.remove(id(node))
            sizes[id(node)] = 1 + sum(sizes[id(part)] for part in _parts(node))
            if before + sizes[id(node)] > limit:
                sentence = f"with this the file has more than {limit:,} values after its aliases are resolved"
                raise _at(node, sentence)
        elif id(node) in opened:
            raise _at(node, "this contains itself, by an alias")
        elif id(node) not in sizes:
            opened.add(id(node))
            waiting.append((node, True))
            waiting.extend((part, False) for part in reversed(_parts(node)))
    return sizes[id(document)]


def _parts(node: Node) -> list[Node]:
    if isinstance(node, MappingNode):
        return [value for _, value in node.value]
    return list(node.value) if isinstance(node, SequenceNode) else []


def _at(node: Node, sentence: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=sentence, problem_mark=node.start_mark)
