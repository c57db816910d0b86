// The engines that run executions, and those that have stopped in the last seven days.
import {html, useState} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {between, duration} from "../lib/time.js";
import {EngineStatus, Load, SuccessRate, engineName} from "../parts/engine-state.js";
import {Empty, Loaded} from "../parts/problem.js";
import {RowLink, Table} from "../parts/table.js";
import {Ago, Time} from "../parts/time.js";

const PIECE = 50, MOST = 200, EVERY_MS = 3000;

const name = {key: "name", title: "Engine", cell: row => html`<${RowLink} href=${href(`/engines/${row.id}`)}>${engineName(row)}<//>
  ${row.host && html`<span class="faint nowrap"> #${row.id}</span>`}`};
const status = {key: "status", title: "State", cell: row => html`<${EngineStatus} status=${row.status}/>`};
const version = {key: "version", title: "Version", cell: row => html`<span class="mono">${row.version || "–"}</span>`};
const tasks = {key: "tasks", title: "Tasks, 24 h", num: true, cell: row => html`${row.work.total_tasks.toLocaleString()}
  ${row.work.failed_tasks > 0 && html`<span class="bad"> ${row.work.failed_tasks.toLocaleString()} failed</span>`}`};

const RUNNING = [
  status, name, {key: "kind", title: "Kind", cell: row => row.kind}, version,
  {key: "load", title: "Running", cell: row => html`<${Load} engine=${row}/>`},
  {key: "parked", title: "Parked", num: true, cell: row => row.parked?.toLocaleString() ?? "–"},
  tasks,
  {key: "rate", title: "Success, 1 h", num: true, cell: row => html`<${SuccessRate} work=${row.work}/>`},
  {key: "seen", title: "Last seen", cell: row => html`<${Ago} at=${row.renewed_at}/>`},
];
const ENDED = [
  status, name, version, tasks,
  {key: "ran", title: "Ran for", cell: row => duration(between(row.started_at, row.ended_at))},
  {key: "ended", title: "Ended", cell: row => html`<${Time} at=${row.ended_at}/>`},
];

export function Page() {
  const [limit, setLimit] = useState(PIECE);
  const engines = useResource("engines", {limit}, {everyMs: EVERY_MS});
  return html`<div class="page-head"><h1>Engines</h1></div>
    <${Loaded} of=${{...engines, data: engines.data || engines.stale}}>${({items, total}) => html`
      <${Running} engines=${items.filter(engine => engine.status !== "offline")}/>
      <${Ended} engines=${items.filter(engine => engine.status === "offline")}/>
      ${total > items.length && limit < MOST && html`<button onClick=${() => setLimit(Math.min(MOST, limit + 3 * PIECE))}>${total - items.length} more</button>`}`}<//>`;
}

function Running({engines}) {
  if (!engines.length) return html`<${Empty} title="No engine is running"><p>Executions start as soon as one does. <code>workflow up</code> starts one.</p><//>`;
  return html`<p class="soft lead" role="status">${summary(engines)}</p>
    <div class="fold-rows engines-list"><${Table} label="Engines that run" columns=${RUNNING} rows=${engines}/></div>`;
}

function Ended({engines}) {
  if (!engines.length) return null;
  return html`<h2 class="apart">Offline, last 7 days</h2>
    <div class="fold-rows engines-list ended"><${Table} label="Engines that have stopped" columns=${ENDED} rows=${engines}/></div>`;
}

function summary(engines) {
  const online = engines.filter(engine => engine.status === "online"), draining = engines.length - online.length;
  const free = online.reduce((sum, engine) => sum + Math.max(0, engine.capacity - engine.running), 0);
  const parts = [`${online.length} online`, draining && `${draining} draining`, online[0]?.capacity !== null && online.length && `${free.toLocaleString()} ${free === 1 ? "place" : "places"} free`];
  return parts.filter(Boolean).join(" · ");
}
