// A graph of tasks: lines in SVG, nodes as buttons over them. Arrow keys follow the lines.
import {html, cls, useEffect, useLayoutEffect, useMemo, useRef, useState} from "../lib/html.js";
import {layOut} from "../lib/layout.js";
import {beside, folded, groupStatus, tally, withGroups} from "../lib/graph.js";
import {Sign} from "./status.js";

const WIDTHS = {LR: 172, TB: 132}, HEIGHT = 42, GATE = 10, GATE_RADIUS = 3.5, LETTER = 6.4, LEAST_SCALE = {LR: 0.72, TB: 0.55}, NARROW = 640;
const WORDS = {success: "", failure: "on failure", any: "always", order: "", undo: ""};

/**
 * graph     of GET /workflows/{w}/revisions/{n}/graph
 * stateOf   (task_id) => {status, note}: null without an execution; `note` is the second line
 * selected  id of a task; onSelect(task_id)
 */
export function Graph({graph, stateOf = null, selected = null, onSelect, label = "Graph"}) {
  const box = useRef(null), [size, setSize] = useState(null), [opened, setOpened] = useState(new Set()), [isWhole, setWhole] = useState(true);
  useLayoutEffect(() => {
    const watch = new ResizeObserver(([entry]) => setSize(entry.contentRect.width));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  const direction = size !== null && size < NARROW ? "TB" : "LR";
  const groups = useMemo(() => folded(graph, opened), [graph, opened]);
  const shown = useMemo(() => withGroups(graph, groups), [graph, groups]);
  const placed = usePlaces(shown, direction, size !== null);
  const scale = !placed || !isWhole ? 1 : Math.max(LEAST_SCALE[direction], Math.min(1, (size - 2) / placed.width));
  useLayoutEffect(() => {  // a graph that is wider than its box begins where something happens
    if (!placed || !stateOf || box.current.scrollWidth <= box.current.clientWidth) return;
    const busy = box.current.querySelector(".is-failed, .is-running, .is-retrying");
    if (busy) box.current.scrollLeft = busy.offsetLeft * scale - size / 2;
  }, [placed]);
  const open = group => setOpened(was => new Set(was).add(group));
  const wide = placed && size && placed.width > size;
  return html`<div class="graph-box">
    ${(wide || opened.size > 0) && html`<div class="graph-tools">
      ${wide && html`<button type="button" class="bare tiny" onClick=${() => setWhole(!isWhole)}>${isWhole ? "Full size" : "Fit"}</button>`}
      ${opened.size > 0 && html`<button type="button" class="bare tiny" onClick=${() => setOpened(new Set())}>Fold groups</button>`}</div>`}
    <div class="graph" ref=${box} role="group" aria-label="${label}: arrow keys follow the lines">
    ${placed && html`<div class="graph-sheet" style=${{width: `${placed.width * scale}px`, height: `${placed.height * scale}px`}}>
      <div class="graph-scaled" style=${{width: `${placed.width}px`, height: `${placed.height}px`, transform: `scale(${scale})`}}>
        <${Lines} graph=${shown} placed=${placed} stateOf=${stateOf} direction=${direction}/>
        <${Nodes} graph=${shown} placed=${placed} stateOf=${stateOf} selected=${selected} onSelect=${onSelect} onOpen=${open} direction=${direction}/>
      </div></div>`}</div></div>`;
}

function usePlaces(graph, direction, isKnown) {
  const [placed, setPlaced] = useState(null);
  useEffect(() => {
    let isCurrent = true;
    if (isKnown) {
      const nodes = graph.nodes.map(node => ({id: node.id, ...(node.kind === "gate" ? {width: GATE, height: GATE} : {width: WIDTHS[direction], height: HEIGHT})}));
      const edges = graph.edges.map(edge => ({from: edge.from, to: edge.to, width: labelOf(edge).length * LETTER}));
      layOut({nodes, edges, direction}).then(found => isCurrent && setPlaced({...found, of: graph}));
    }
    return () => { isCurrent = false; };
  }, [graph, direction, isKnown]);
  return placed?.of === graph ? placed : null;
}

const labelOf = edge => [WORDS[edge.kind], edge.label].filter(Boolean).join(": ");

function Lines({graph, placed, stateOf, direction}) {
  const tasks = new Map(graph.nodes.map(node => [node.id, node]));
  const isPassed = id => {
    const node = tasks.get(id);
    if (!stateOf || !node) return false;
    if (node.kind === "gate") return beside(graph, id, -1).every(isPassed);
    return statusOf(node, stateOf) === "completed" || statusOf(node, stateOf) === "skipped";
  };
  const isTaken = edge => {
    if (edge.kind === "order" || !stateOf) return isPassed(edge.from);
    const [before, after] = [tasks.get(edge.from), tasks.get(edge.to)].map(node => statusOf(node, stateOf));
    return after !== "pending" && (edge.kind === "any" || edge.kind === "undo" || (edge.kind === "failure") === (before === "failed"));
  };
  return html`<svg class="lines" width=${placed.width} height=${placed.height} aria-hidden="true">
    <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M1 1 7 4 1 7"/></marker></defs>
    ${graph.edges.map((edge, index) => {
      const {points, x, y} = placed.edges[index], text = labelOf(edge), toGate = tasks.get(edge.to)?.kind === "gate";
      const [from, to] = [tasks.get(edge.from), tasks.get(edge.to)];
      return html`<g key=${index} class=${cls("line", `line-${edge.kind}`, isTaken(edge) && "passed")}><path d=${curve(stopsOf(from, to, points, placed, direction), direction)} marker-end=${toGate ? null : "url(#arrow)"}/>
        ${text && x !== undefined && html`<text x=${x} y=${y + 4} text-anchor="middle">${text}</text>`}</g>`;
    })}
    ${graph.nodes.filter(node => node.kind === "gate").map(node => html`<circle key=${node.id} class=${cls("gate", isPassed(node.id) && "passed")} cx=${placed.nodes[node.id].x} cy=${placed.nodes[node.id].y} r=${GATE_RADIUS}/>`)}</svg>`;
}

/** Where lines leave a node (`by` 1) or arrive at it (-1): the middle of that side. */
function side(node, placed, by, direction) {
  const {x, y} = placed.nodes[node.id], isGate = node.kind === "gate";
  if (direction === "LR") return {x: x + by * (isGate ? GATE_RADIUS : WIDTHS.LR / 2), y};
  return {x, y: y + by * (isGate ? GATE_RADIUS : HEIGHT / 2)};
}

/** The points of a line. One that leads back goes around, as the layout says. */
function stopsOf(from, to, points, placed, direction) {
  const along = direction === "LR" ? "x" : "y";
  if (placed.nodes[to.id][along] <= placed.nodes[from.id][along]) return points;
  const between = points.slice(1, -1);
  return [side(from, placed, 1, direction), ...(between.length > 1 ? between : []), side(to, placed, -1, direction)];
}

/** A smooth line: an S from each point to the next. */
function curve(stops, direction) {
  const [from] = stops;
  let path = `M${from.x} ${from.y}`;
  for (let index = 1; index < stops.length; index += 1) {
    const [one, other] = [stops[index - 1], stops[index]];
    if (direction === "LR") { const middle = (one.x + other.x) / 2; path += `C${middle} ${one.y} ${middle} ${other.y} ${other.x} ${other.y}`; }
    else { const middle = (one.y + other.y) / 2; path += `C${one.x} ${middle} ${other.x} ${middle} ${other.x} ${other.y}`; }
  }
  return path;
}

const statusOf = (node, stateOf) => (node.kind === "group" ? groupStatus(node.members.map(member => stateOf(member.task_id)?.status || "pending")) : stateOf(node.task_id)?.status || "pending");

function Nodes({graph, placed, stateOf, selected, onSelect, onOpen, direction}) {
  const box = useRef(null), nodes = graph.nodes.filter(node => node.kind !== "gate");
  const inOrder = [...nodes].sort((one, other) => one.rank - other.rank || placed.nodes[one.id].y - placed.nodes[other.id].y);
  const [focused, setFocused] = useState(null);
  const entry = focused && placed.nodes[focused] ? focused : (inOrder.find(node => node.task_id !== undefined && node.task_id === selected) || inOrder[0])?.id;
  const [ahead, back, up, down] = direction === "LR" ? ["ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"] : ["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight"];
  const move = event => {
    const id = event.target.closest("[data-node]")?.dataset.node;
    const next = id && ({[ahead]: () => nearest(placed, id, beside(graph, id, 1)), [back]: () => nearest(placed, id, beside(graph, id, -1)), [up]: () => inRank(nodes, placed, id, -1, direction), [down]: () => inRank(nodes, placed, id, 1, direction)}[event.key]?.());
    if (!next) return;
    event.preventDefault();
    box.current.querySelector(`[data-node="${CSS.escape(next)}"]`)?.focus();
  };
  return html`<div ref=${box} onKeyDown=${move} onFocusIn=${event => setFocused(event.target.dataset.node)}>
    ${inOrder.map(node => html`<${Node} key=${node.id} node=${node} at=${placed.nodes[node.id]} width=${WIDTHS[direction]} state=${stateOf && node.kind === "task" ? stateOf(node.task_id) : null} stateOf=${stateOf}
      isSelected=${node.task_id !== undefined && node.kind === "task" && node.task_id === selected} isEntry=${node.id === entry} onPress=${() => (node.kind === "group" ? onOpen(node.group) : onSelect?.(node.task_id))}/>`)}</div>`;
}

function nearest(placed, id, ids) {
  const {x, y} = placed.nodes[id], far = other => Math.hypot(placed.nodes[other].x - x, placed.nodes[other].y - y);
  return ids.sort((one, other) => far(one) - far(other))[0];
}

function inRank(nodes, placed, id, by, direction) {
  const [along, across] = direction === "LR" ? ["y", "x"] : ["x", "y"], here = placed.nodes[id];
  const others = nodes.map(node => node.id).filter(other => Math.abs(placed.nodes[other][across] - here[across]) < HEIGHT && (placed.nodes[other][along] - here[along]) * by > 0);
  return nearest(placed, id, others);
}

function Node({node, at, width, state, stateOf, isSelected, isEntry, onPress}) {
  const status = stateOf ? statusOf(node, stateOf) : null, isGroup = node.kind === "group";
  const states = isGroup && stateOf ? tally(node.members.map(member => stateOf(member.task_id)?.status || "pending")) : [];
  const note = isGroup ? states.map(([word, count]) => `${count} ${word}`).join(", ") || "open" : state?.note || (status === "pending" || !status ? about(node) : status);
  return html`<button type="button" data-node=${node.id} tabindex=${isEntry ? 0 : -1} aria-pressed=${isSelected} onClick=${onPress}
    class=${cls("node", status ? `tone-${status} is-${status}` : "tone-pending is-defined", node.undo && "undo", isGroup && "group", isSelected && "selected")}
    style=${{left: `${at.x - width / 2}px`, top: `${at.y - HEIGHT / 2}px`, width: `${width}px`, height: `${HEIGHT}px`}} title=${node.name}
    aria-label="${node.name}${status ? `, ${status}` : ""}${node.undo ? ", undoes" : ""}${note && note !== status ? `, ${note}` : ""}">
    ${status && html`<span class="node-sign"><${Sign} status=${status}/></span>`}<span class="node-words"><span class="cut">${node.name}</span><span class="cut node-note">${note}</span></span></button>`;
}

/** What is known of a task before it runs. */
const about = node => [node.undo ? "undoes" : node.type || "no type", node.for_each && "for each", node.condition && "if"].filter(Boolean).join(" · ");
