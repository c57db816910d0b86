// One flow: its graph, its conditions in words, and the ways that its last runs have taken.
import {html} from "../lib/html.js";
import {isFinal} from "../lib/fold.js";
import {go, href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {may} from "../lib/session.js";
import {Graph} from "../parts/graph.js";
import {Loaded} from "../parts/problem.js";
import {Status} from "../parts/status.js";
import {RowLink, Table} from "../parts/table.js";
import {Ago, Duration} from "../parts/time.js";

const RUNS = 10, EVERY_MS = 5000;

export function Page({id}) {
  const flow = useResource(`flows/${id}`);
  return html`<${Loaded} of=${flow}>${data => html`<${Flow} flow=${data}/>`}<//>`;
}

function Flow({flow}) {
  const graph = useResource(`workflows/${flow.workflow_id}/revisions/${flow.revision}/graph`), workflow = href(`/workflows/${flow.workflow_id}`);
  return html`<div class="page-head"><h1>${flow.id}</h1>${flow.name !== flow.id && html`<span class="soft">${flow.name}</span>`}
      <div class="end"><a class="button" href=${workflow}>Revision ${flow.revision} of the workflow</a></div></div>
    ${flow.description && html`<p class="lead soft">${flow.description}</p>`}
    <div class="stack"><section class="box">${graph.data && html`<${Graph} graph=${graph.data} label="Tasks and conditions" onSelect=${() => go(workflow)}/>`}</section>
      <div class="two-columns">${may("executions:read") && html`<${Runs} flow=${flow}/>`}<${Conditions} flow=${flow}/></div></div>`;
}

function Conditions({flow}) {
  const then = target => (target === "end" ? html`<em>the end</em>` : html`<strong>${target}</strong>`);
  return html`<section class="box"><header><h2>Conditions</h2><span class="end faint">each task at most ${flow.max_visits === 1 ? "once" : `${flow.max_visits ?? 100} times`}</span></header>
    <ul class="in flow-conditions"><li>It begins with <strong>${flow.start_task}</strong>.</li>
      ${flow.conditions.map(one => html`<li key=${one.source_task}><span class="tag">${one.name}</span> ${one.outcome === "any" ? html`After <strong>${one.source_task}</strong>: ${then(one.target_task_success)}.`
        : html`If <strong>${one.source_task}</strong> ${one.outcome === "success" ? "succeeds" : "fails"}: ${then(one.target_task_success)}; otherwise ${then(one.target_task_failure)}.`}
        ${one.description && html`<span class="faint"> ${one.description}</span>`}</li>`)}</ul></section>`;
}

const COLUMNS = [
  {key: "status", title: "State", cell: row => html`<${Status} status=${row.status}/>`},
  {key: "id", title: "Run", cell: row => html`<${RowLink} href=${href(`/executions/${row.id}`)}><span class="mono">${row.id.slice(-12)}</span><//>`},
  {key: "way", title: "Way", cell: row => html`<${Way} key=${row.status} id=${row.id} status=${row.status}/>`},
  {key: "created", title: "Begun", cell: row => html`<${Ago} at=${row.created_at}/>`},
  {key: "took", title: "Took", num: true, cell: row => html`<${Duration} start=${row.started_at} end=${row.finished_at}/>`},
];

function Runs({flow}) {
  const runs = useResource("executions", {workflow_id: flow.workflow_id, limit: RUNS}, {everyMs: EVERY_MS});
  return html`<section class="box"><header><h2>Last runs</h2><a class="end" href=${href("/executions", {workflow_id: flow.id})}>All</a></header>
    <${Loaded} of=${runs}>${({items}) => (items.length ? html`<div class="fold-rows run-rows"><${Table} label="Last runs" columns=${COLUMNS} rows=${items}/></div>`
      : html`<p class="in faint">It has not run yet.</p>`)}<//></section>`;
}

/** The tasks in the order in which they ended, each as often as it ran. */
function Way({id, status}) {
  const run = useResource(`flow-runs/${id}`, {}, {everyMs: isFinal(status) ? 0 : EVERY_MS});
  if (run.problem) return html`<span class="faint">not known</span>`;
  return run.data && html`<span>${run.data.executed_tasks.map((name, at) => html`${at > 0 && html`<span class="faint"> → </span>`}${name}`)}</span>`;
}
