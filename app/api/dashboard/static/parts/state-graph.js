// The states of a machine, and what leads from one to another. Arrow keys follow the lines.
import {html, cls, useEffect, useLayoutEffect, useMemo, useRef, useState} from "../lib/html.js";
import {graphOf} from "../lib/machine.js";
import {layOut} from "../lib/layout.js";

const LETTER = 7.4, LABEL_LETTER = 6.2, PADDING = 46, LEAST = 88, MOST = 230, HEIGHT = 42, MOST_LABEL = 30, NARROW = 640, LEAST_SCALE = 0.7;

/**
 * machine    a revision of one
 * current    the name of the state that is marked, without one null
 * visited    a Set of states that the entity was in
 * open       a Map from the names of transitions that leave `current` to whether they are allowed
 * selected, onSelect(state)   states are buttons
 */
export function StateGraph({machine, current = null, visited = new Set(), open = new Map(), selected = null, onSelect, label = "States"}) {
  const box = useRef(null), [size, setSize] = useState(null), graph = useMemo(() => graphOf(machine), [machine]);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setSize(entry.contentRect.width));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const placed = usePlaces(graph, size !== null && size < NARROW ? "TB" : "LR", size !== null);
  const scale = placed ? Math.max(LEAST_SCALE, Math.min(1, (size - 2) / placed.width)) : 1;
  return html`<div class="graph" ref=${box} role="group" aria-label="${label}: arrow keys follow the lines">${placed && html`
    <div class="graph-sheet" style=${{width: `${placed.width * scale}px`, height: `${placed.height * scale}px`}}>
      <div class="graph-scaled" style=${{width: `${placed.width}px`, height: `${placed.height}px`, transform: `scale(${scale})`}}>
        <${Lines} graph=${graph} placed=${placed} current=${current} open=${open}/>
        <${States} graph=${graph} placed=${placed} current=${current} visited=${visited} selected=${selected} onSelect=${onSelect}/></div></div>`}</div>`;
}

function usePlaces(graph, direction, isKnown) {
  const [placed, setPlaced] = useState(null);
  useEffect(() => {
    let isCurrent = true;
    if (isKnown) {
      const nodes = graph.nodes.map(node => ({id: node.id, width: widthOf(node), height: HEIGHT}));
      const edges = graph.edges.map(edge => ({from: edge.from, to: edge.to, width: labelOf(edge).length * LABEL_LETTER}));
      layOut({nodes, edges, direction}).then(found => isCurrent && setPlaced({...found, of: graph}));
    }
    return () => { isCurrent = false; };
  }, [graph, direction, isKnown]);
  return placed?.of === graph ? placed : null;
}

const widthOf = node => Math.max(LEAST, Math.min(MOST, Math.max(node.name.length * LETTER, node.notes.join(" · ").length * LABEL_LETTER) + PADDING));

function labelOf({transitions}) {
  const names = transitions.map(one => one.name).join(" / ");
  return names.length > MOST_LABEL ? `${names.slice(0, MOST_LABEL - 1)}…` : names;
}

function Lines({graph, placed, current, open}) {
  return html`<svg class="lines" width=${placed.width} height=${placed.height} aria-hidden="true">
    <defs><marker id="state-arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M1 1 7 4 1 7"/></marker></defs>
    ${graph.edges.map((edge, index) => {
      const {points, x, y} = placed.edges[index], leaves = current !== null && (edge.from === current || edge.from === "*");
      const isOpen = leaves && edge.transitions.some(one => open.get(one.name));
      return html`<g key=${index} class=${cls("line", edge.isTimed && "line-timer", isOpen && "line-open")}><path d=${curve(points)} marker-end="url(#state-arrow)"/>
        ${x !== undefined && html`<text x=${x} y=${y + 4} text-anchor="middle">${labelOf(edge)}</text>`}</g>`;
    })}</svg>`;
}

/** A smooth line through the points. */
function curve([first, ...rest]) {
  if (rest.length < 2) return `M${first.x} ${first.y}${rest.map(point => `L${point.x} ${point.y}`).join("")}`;
  const parts = rest.slice(0, -1).map((at, index) => {
    const next = rest[index + 1], end = index === rest.length - 2 ? next : {x: (at.x + next.x) / 2, y: (at.y + next.y) / 2};
    return `Q${at.x} ${at.y} ${end.x} ${end.y}`;
  });
  return `M${first.x} ${first.y}${parts.join("")}`;
}

const KEYS = {ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1]};

function States({graph, placed, current, visited, selected, onSelect}) {
  const box = useRef(null), [focused, setFocused] = useState(null), states = graph.nodes.filter(node => node.kind === "state");
  const entry = focused ?? selected ?? current ?? states[0]?.id;
  const move = event => {
    const way = KEYS[event.key], next = way && towards(placed.nodes, states, event.target.closest("[data-node]")?.dataset.node, way);
    if (!next) return;
    event.preventDefault();
    box.current.querySelector(`[data-node="${CSS.escape(next)}"]`)?.focus();
  };
  return html`<div ref=${box} onKeyDown=${move} onFocusIn=${event => setFocused(event.target.dataset.node ?? null)}>${graph.nodes.map(node => html`
    <${State} key=${node.id} node=${node} at=${placed.nodes[node.id]} isCurrent=${node.id === current} wasVisited=${visited.has(node.id)} isSelected=${node.id === selected}
      isEntry=${node.id === entry} leads=${graph.edges.filter(edge => edge.from === node.id).map(edge => edge.to)} onPress=${onSelect && (() => onSelect(node.id))}/>`)}</div>`;
}

/** The nearest state in a direction. */
function towards(places, states, from, [dx, dy]) {
  if (!from) return null;
  const here = places[from], cost = ({id}) => {
    const x = places[id].x - here.x, y = places[id].y - here.y, ahead = x * dx + y * dy;
    return ahead > 1 ? ahead + 2 * Math.abs(dx ? y : x) : Infinity;
  };
  const best = states.filter(state => state.id !== from).sort((one, other) => cost(one) - cost(other))[0];
  return best && cost(best) < Infinity ? best.id : null;
}

function State({node, at, isCurrent, wasVisited, isSelected, isEntry, leads, onPress}) {
  const width = widthOf(node), place = {left: `${at.x - width / 2}px`, top: `${at.y - HEIGHT / 2}px`, width: `${width}px`, height: `${HEIGHT}px`};
  if (node.kind === "any") return html`<span class="state state-any" style=${place}>${node.name}</span>`;
  const words = [node.name, isCurrent && "current state", ...node.notes, leads.length && `leads to ${leads.join(", ")}`].filter(Boolean).join(", ");
  return html`<button type="button" data-node=${node.id} class=${cls("node", "state", node.final && "state-final", isCurrent && "state-current", wasVisited && "state-visited", isSelected && "selected")} style=${place}
    tabindex=${isEntry ? 0 : -1} aria-label=${words} aria-current=${isCurrent ? "true" : null} aria-pressed=${onPress ? isSelected : null} onClick=${onPress}>
    ${isCurrent && html`<svg class="here" viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><circle cx="5" cy="5" r="4"/></svg>`}
    <span class="node-words"><span class="cut">${node.name}</span>${node.notes.length > 0 && html`<span class="cut node-note">${node.notes.join(" · ")}</span>`}</span></button>`;
}
