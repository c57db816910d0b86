// A graph of tasks as it is drawn: wide groups as one node, and which node the arrow keys lead to.

const MANY_NODES = 60, WIDE_GROUP = 3, MOST_NODES = 150;

/** Groups that are drawn as one node: wide ones of a large graph, unless they were opened. */
export function folded(graph, opened) {
  const tasks = graph.nodes.filter(node => node.kind === "task");
  if (graph.routed || tasks.length <= MANY_NODES) return new Map();
  const groups = Map.groupBy(tasks.filter(node => !node.undo), node => node.group);
  const found = new Map();
  let left = tasks.length;
  for (const [group, nodes] of [...groups].sort((one, other) => other[1].length - one[1].length)) {
    if (nodes.length <= 1 || (nodes.length <= WIDE_GROUP && left <= MOST_NODES)) continue;
    left -= nodes.length - 1;
    if (!opened.has(group)) found.set(group, nodes);
  }
  return found;
}

/** The graph with these groups as nodes {id: "group-3", kind: "group", members}. */
export function withGroups(graph, groups) {
  if (!groups.size) return graph;
  const place = new Map(), rank = nodes => Math.min(...nodes.map(node => node.rank));
  for (const [group, nodes] of groups) for (const node of nodes) place.set(node.id, `group-${group}`);
  const nodes = graph.nodes.filter(node => !place.has(node.id));
  for (const [group, members] of groups) nodes.push({id: `group-${group}`, kind: "group", group, rank: rank(members), name: `group ${group}: ${members.length} tasks`, members});
  const edges = new Map();
  for (const edge of graph.edges) {
    const from = place.get(edge.from) || edge.from, to = place.get(edge.to) || edge.to;
    if (from !== to) edges.set(`${from} ${to} ${edge.kind} ${edge.label}`, {...edge, from, to});
  }
  return {...graph, nodes, edges: [...edges.values()]};
}

/** The nodes that follow a node (`by` 1) or come before it (-1). Gates are passed. */
export function beside(graph, id, by) {
  const kinds = new Map(graph.nodes.map(node => [node.id, node.kind])), [near, far] = by > 0 ? ["from", "to"] : ["to", "from"];
  const found = [], seen = new Set([id]), waiting = [id];
  while (waiting.length) {
    const at = waiting.shift();
    for (const edge of graph.edges) {
      if (edge[near] !== at || seen.has(edge[far])) continue;
      seen.add(edge[far]);
      if (kinds.get(edge[far]) === "gate") waiting.push(edge[far]);
      else found.push(edge[far]);
    }
  }
  return found;
}

const ORDER = ["failed", "running", "retrying", "cancelled", "pending", "completed", "skipped"];

/** The state of a group: the most urgent of its tasks. */
export function groupStatus(states) {
  if (states.some(status => status === "failed")) return "failed";
  if (states.some(status => status !== "pending") && states.some(status => status === "pending")) return states.some(status => status === "cancelled") ? "cancelled" : "running";
  return ORDER.find(status => states.includes(status)) || "pending";
}

/** `{completed: 80, failed: 2}` as [["failed", 2], ["completed", 80]]. */
export const tally = states => ORDER.map(status => [status, states.filter(other => other === status).length]).filter(([, count]) => count);
