"""Drawings of machines: every state and transition is there, and no name breaks them."""

from xml.etree import ElementTree as Xml

import pytest

from app.machines.drawing.graph import graph_document, graph_of
from app.machines.drawing.mermaid import mermaid
from app.machines.drawing.svg import svg
from app.machines.parsing import parse_machine
from tests.support.machines import FRAUD

NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_the_graph_names_what_leads_where() -> None:
    document = graph_document(graph_of(parse_machine(FRAUD)))
    depths = {state["name"]: state["depth"] for state in document["states"]}
    assert depths == {"initial_state": 0, "processing": 1, "completed": 2, "cancelled": 1}
    assert [(one["from"], one["to"], one["wildcard"]) for one in document["transitions"]] == [
        ("initial_state", "processing", False),
        ("initial_state", "cancelled", True),
        ("processing", "completed", False),
        ("processing", "cancelled", True),
    ]


def test_mermaid() -> None:
    lines = mermaid(graph_of(parse_machine(FRAUD))).splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert '    state "processing" as s1' in lines
    assert "    s0 --> s1: start_processing [if]" in lines
    assert "    s2 --> [*]" in lines


@pytest.mark.parametrize("name", ["<script>", 'a"b', "a;b:c", "&amp;", "\x01", "x" * 100, "日本"])
def test_no_name_breaks_a_drawing(name: str) -> None:
    states = [{"name": name, "initial": True}, {"name": "z", "final": True}]
    graph = graph_of(parse_machine({"name": "m", "states": states, "transitions": [{"from": name, "to": "z"}]}))
    root = Xml.fromstring(svg(graph, name))
    boxes = [part for part in root.iter(f"{NAMESPACE}g") if "state" in part.get("class", "").split()]
    assert [part.get("class") for part in boxes] == ["state initial current", "state final"]
    assert len(mermaid(graph).splitlines()) == 6


def test_states_without_a_way_to_them_are_drawn() -> None:
    draft = parse_machine({"name": "m", "states": [{"name": "a", "initial": True}, "b", "c"], "transitions": []})
    assert svg(graph_of(draft)).count("<rect") == 3
