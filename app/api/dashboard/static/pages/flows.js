// Flows: workflows in which conditions choose the next task.
import {html} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {Pager, skipped} from "../parts/pager.js";
import {Empty, Loaded} from "../parts/problem.js";
import {RowLink, Table} from "../parts/table.js";

const LIMIT = 50;
const COLUMNS = [
  {key: "name", title: "Flow", cell: row => html`<${RowLink} href=${href(`/flows/${row.id}`)}>${row.id}<//> ${row.name !== row.id && html`<span class="soft">${row.name}</span>`}`},
  {key: "start", title: "Begins with", cell: row => row.start_task},
  {key: "tasks", title: "Tasks", num: true, cell: row => html`<span class="label">Tasks: </span>${row.tasks.length}`},
  {key: "conditions", title: "Conditions", num: true, cell: row => html`<span class="label">Conditions: </span>${row.conditions.length}`},
  {key: "revision", title: "Revision", num: true, cell: row => html`<span class="label">Revision: </span>${row.revision}`},
];

export function Page() {
  const flows = useResource("flows", {skip: skipped(), limit: LIMIT});
  return html`<div class="page-head"><div class="titles"><h1>Flows</h1><p class="faint">Workflows in which conditions choose the next task · <a href=${href("/workflows")}>all workflows</a></p></div></div><${Loaded} of=${flows}>${data => html`<${Flows} ...${data}/>`}<//>`;
}

function Flows({items, total}) {
  if (!items.length) return html`<${Empty} title="There are no flows"><p>A flow is a workflow with a <code>start_task</code>. <code>POST /flow/run</code> stores one and runs it.</p><//>`;
  return html`<div class="fold-rows flows-list"><${Table} label="Flows" columns=${COLUMNS} rows=${items}/></div><${Pager} total=${total} limit=${LIMIT}/>`;
}
