"""A drawing of a machine as SVG: states in columns by their depth, transitions as curves with their names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from app.machines.drawing.graph import Edge, Graph, Node
from app.machines.drawing.mermaid import label

WIDTH, HEIGHT = 150, 44
COLUMN_GAP, ROW_GAP, MARGIN = 150, 56, 40
LONGEST = 20

STYLE = """
.state rect { fill: #f5f7fa; stroke: #52606d; stroke-width: 1.5; }
.final rect { stroke-width: 4; }
.initial rect { fill: #e3f0ff; stroke: #1f6feb; }
.current rect { fill: #fff3c4; stroke: #b7791f; }
text { font: 13px system-ui, sans-serif; fill: #1f2933; text-anchor: middle; }
.label { font-size: 11px; fill: #3e4c59; paint-order: stroke; stroke: #ffffff; stroke-width: 4px; }
path { fill: none; stroke: #7b8794; stroke-width: 1.3; }
.wildcard path { stroke-dasharray: 4 4; }
@media (prefers-color-scheme: dark) {
  .state rect { fill: #27313d; stroke: #9aa5b1; }
  .initial rect { fill: #12325c; stroke: #58a6ff; }
  .current rect { fill: #5c4813; stroke: #f0b429; }
  text { fill: #f5f7fa; }
  .label { fill: #cbd2d9; stroke: #0d1117; }
}
"""


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float

    @property
    def middle(self) -> float:
        return self.y + HEIGHT / 2


def svg(graph: Graph, current: str | None = None) -> str:
    """The drawing; the state `current` is marked."""
    boxes = _placed(graph)
    width = max(box.x for box in boxes.values()) + WIDTH + MARGIN
    height = max(box.y for box in boxes.values()) + HEIGHT + MARGIN + ROW_GAP
    parts = [*_edges(graph.edges, boxes), *(_state(node, boxes[node.state.name], current) for node in graph.nodes)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img">'
    return "\n".join([head, f"<style>{STYLE}</style>", _ARROW, *parts, "</svg>"]) + "\n"


_ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 L8 4 L0 8 z" style="fill: #7b8794; stroke: none"/></marker></defs>'
)


def _placed(graph: Graph) -> Mapping[str, _Box]:
    """One column for each depth, and the last one for final states. Within it, states stand near those that lead to
    them.
    """
    last = max(node.depth for node in graph.nodes)
    columns: dict[int, list[str]] = {}
    for node in graph.nodes:
        columns.setdefault(last if node.state.final else node.depth, []).append(node.state.name)
    boxes: dict[str, _Box] = {}
    tallest = max(map(len, columns.values()))
    for number, depth in enumerate(sorted(columns)):
        names = sorted(columns[depth], key=lambda name: _middle_of_sources(name, graph.edges, boxes))
        top = MARGIN + 1.6 * ROW_GAP + (tallest - len(names)) * (HEIGHT + ROW_GAP) / 2
        for row, name in enumerate(names):
            boxes[name] = _Box(MARGIN + number * (WIDTH + COLUMN_GAP), top + row * (HEIGHT + ROW_GAP))
    return boxes


def _middle_of_sources(name: str, edges: Sequence[Edge], boxes: Mapping[str, _Box]) -> float:
    found = [boxes[edge.source].y for edge in edges if edge.target == name and edge.source in boxes]
    return sum(found) / len(found) if found else 0.0


def _edges(edges: Sequence[Edge], boxes: Mapping[str, _Box]) -> Iterator[str]:
    """Several transitions between two states are one curve with all names."""
    together: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        together.setdefault((edge.source, edge.target), []).append(edge)
    for (source, target), found in together.items():
        path, x, y = _curve(boxes[source], boxes[target])
        kind = "edge wildcard" if all(edge.is_wildcard for edge in found) else "edge"
        names = ", ".join(label(edge) for edge in found)
        yield (
            f'<g class="{kind}"><path d="{path}" marker-end="url(#arrow)"/>'
            f'<text class="label" x="{x:g}" y="{y:g}"><title>{_text(names)}</title>{_text(_cut(names, 34))}</text></g>'
        )


def _curve(start: _Box, end: _Box) -> tuple[str, float, float]:
    """The path from one box to another, and the place of its label."""
    if start == end:
        x, y = start.x + WIDTH / 2, start.y
        return f"M{x - 20:g} {y:g} C{x - 50:g} {y - 46:g} {x + 50:g} {y - 46:g} {x + 20:g} {y:g}", x, y - 38
    if end.x > start.x + WIDTH + COLUMN_GAP:
        # Over the columns in between.
        x1, y1, x2, y2 = start.x + WIDTH / 2, start.y, end.x + WIDTH / 2, end.y
        high = min(y1, y2) - 1.6 * ROW_GAP
        path = f"M{x1:g} {y1:g} C{x1 + 60:g} {high:g} {x2 - 60:g} {high:g} {x2:g} {y2 - 2:g}"
        return path, (x1 + x2) / 2, (y1 + y2 + 6 * high) / 8 - 5
    if end.x > start.x:
        x1, y1, x2, y2 = start.x + WIDTH, start.middle, end.x, end.middle
        middle = (x1 + x2) / 2
        return f"M{x1:g} {y1:g} C{middle:g} {y1:g} {middle:g} {y2:g} {x2:g} {y2:g}", middle, (y1 + y2) / 2 - 6
    if end.x == start.x:
        # Down on the right of the column, up on its left, so that the two directions do not meet.
        side, bulge = (start.x + WIDTH, 70) if end.y > start.y else (start.x, -70)
        y1, y2 = start.middle + HEIGHT / 4, end.middle + HEIGHT / 4
        path = f"M{side:g} {y1:g} C{side + bulge:g} {y1:g} {side + bulge:g} {y2:g} {side:g} {y2:g}"
        return path, side + bulge * 0.8, (y1 + y2) / 2
    # Back, around the bottom, so that it does not cross boxes.
    x1, y1, x2, y2 = start.x + WIDTH / 2, start.y + HEIGHT, end.x + WIDTH / 2, end.y + HEIGHT
    low = max(y1, y2) + ROW_GAP * 0.8
    return f"M{x1:g} {y1:g} C{x1:g} {low:g} {x2:g} {low:g} {x2:g} {y2 + 2:g}", (x1 + x2) / 2, low - ROW_GAP * 0.16


def _state(node: Node, box: _Box, current: str | None) -> str:
    state = node.state
    marks = (("initial", state.initial), ("final", state.final), ("current", state.name == current))
    kind = " ".join(["state", *(name for name, is_there in marks if is_there)])
    return (
        f'<g class="{kind}" data-state={quoteattr(_allowed(state.name))}><title>{_text(state.name)}</title>'
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="9"/>'
        f'<text x="{box.x + WIDTH / 2:g}" y="{box.middle + 5:g}">{_text(_cut(state.name, LONGEST))}</text></g>'
    )


def _text(text: str) -> str:
    return escape(_allowed(text))


def _allowed(text: str) -> str:
    """XML cannot hold control characters: https://www.w3.org/TR/xml/#charsets"""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
