// Where the nodes of a graph stand. One function, so that the library behind it can be replaced; large graphs are laid out
// in a worker, so that the page never stands still.
const LARGE = 40, KEPT = 12;
const kept = new Map();
let worker = null, asked = 0;
const waiting = new Map();

/**
 * nodes      [{id, width, height}]
 * edges      [{from, to, width}]: `width` leaves room for a label
 * direction  "LR" or "TB"
 * Returns {width, height, nodes: {id: {x, y}}, edges: [[{x, y}]]}; x and y are centres.
 */
export async function layOut(graph) {
  const key = JSON.stringify(graph);
  if (!kept.has(key)) {
    kept.set(key, graph.nodes.length > LARGE ? inWorker(graph) : import("./layout-worker.js").then(({place}) => place(graph)));
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(key);
}

function inWorker(graph) {
  if (!worker) {
    worker = new Worker(new URL("./layout-worker.js", import.meta.url), {type: "module"});
    worker.onmessage = ({data: {number, placed}}) => { waiting.get(number)(placed); waiting.delete(number); };
  }
  return new Promise(resolve => {
    waiting.set(++asked, resolve);
    worker.postMessage({number: asked, graph});
  });
}
