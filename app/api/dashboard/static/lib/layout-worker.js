// The layout itself, in a worker or on the page.
import * as dagre from "../vendor/dagre.js";

const LABEL_HEIGHT = 16;

export function place({nodes, edges, direction}) {
  const graph = new dagre.graphlib.Graph({multigraph: true});
  graph.setGraph({rankdir: direction, nodesep: direction === "LR" ? 12 : 16, ranksep: direction === "LR" ? 36 : 28, edgesep: 8, marginx: 8, marginy: 8});
  graph.setDefaultEdgeLabel(() => ({}));
  for (const {id, width, height} of nodes) graph.setNode(id, {width, height});
  edges.forEach(({from, to, width}, index) => graph.setEdge(from, to, width ? {width, height: LABEL_HEIGHT, labelpos: "c"} : {}, String(index)));
  dagre.layout(graph);
  const {width, height} = graph.graph();
  return {
    width, height,
    nodes: Object.fromEntries(nodes.map(({id}) => { const {x, y} = graph.node(id); return [id, {x, y}]; })),
    edges: edges.map(({from, to}, index) => { const edge = graph.edge(from, to, String(index)); return {points: edge.points, x: edge.x, y: edge.y}; }),
  };
}

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) {
  self.onmessage = ({data: {number, graph}}) => self.postMessage({number, placed: place(graph)});
}
