"""A state diagram of Mermaid: https://mermaid.js.org/syntax/stateDiagram.html"""

from collections.abc import Iterator

from app.machines.drawing.graph import Edge, Graph


def mermaid(graph: Graph) -> str:
    """States have short ids of their own, because their names may have any characters."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    ids = {node.state.name: f"s{number}" for number, node in enumerate(graph.nodes)}
    yield "stateDiagram-v2"
    for node in graph.nodes:
        yield f'    state "{_text(node.state.name)}" as {ids[node.state.name]}'
    for node in graph.nodes:
        if node.state.initial:
            yield f"    [*] --> {ids[node.state.name]}"
    for edge in graph.edges:
        yield f"    {ids[edge.source]} --> {ids[edge.target]}: {_text(label(edge))}"
    for node in graph.nodes:
        if node.state.final:
            yield f"    {ids[node.state.name]} --> [*]"


def label(edge: Edge) -> str:
    """The name, and marks for what else decides about the transition."""
    marks = [mark for mark, is_there in (("timer", edge.is_timer), ("if", bool(edge.conditions))) if is_there]
    return f"{edge.name} [{', '.join(marks)}]" if marks else edge.name


def _text(text: str) -> str:
    """Mermaid has entities of its own for what would end a text, and `:` and `;` end a label."""
    codes = {'"': "#quot;", "#": "#35;", ";": "#59;", ":": "#58;", "\n": " ", "<": "#lt;", ">": "#gt;"}
    return "".join(codes.get(character, character) for character in text)
