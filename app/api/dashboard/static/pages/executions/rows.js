// The columns of the list.
import {html} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {RowLink} from "../../parts/table.js";
import {Meter, Status} from "../../parts/status.js";
import {Ago, Duration} from "../../parts/time.js";
import {setFilter} from "./filters.js";

const SELECT = selection => ({
  key: "select", title: html`<input type="checkbox" aria-label="Select all on this page" checked=${selection.isAll} onChange=${selection.toggleAll}/>`,
  cell: row => html`<input type="checkbox" aria-label="Select ${row.workflow_name} ${row.id.slice(-12)}" checked=${selection.has(row.id)} onChange=${() => selection.toggle(row.id)}/>`,
});

export const columnsFor = selection => [
  ...(selection ? [SELECT(selection)] : []),
  {key: "status", title: "Status", cell: row => html`<${Status} status=${row.status}/>`},
  {key: "workflow", title: "Workflow", cell: row => html`<${RowLink} href=${href(`/executions/${row.id}`)}>${row.workflow_name || row.workflow_key || `workflow ${row.workflow_id}`}<//>
    ${row.parent && html` <span class="faint" title="started by ${row.parent.execution_id}">child</span>`}${row.origin_id && html` <span class="faint" title="repeats ${row.origin_id}">repeat</span>`}`},
  {key: "progress", title: "Progress", cell: Progress},
  {key: "what", title: "Now", cell: What},
  {key: "created", title: "Created", cell: row => html`<${Ago} at=${row.created_at}/>`},
  {key: "duration", title: "Took", num: true, cell: row => html`<${Duration} start=${row.started_at} end=${row.finished_at} seconds=${row.finished_at ? row.duration_seconds : null}/>`},
  {key: "id", title: "Id", cell: row => html`<span class="mono faint" title=${row.id}>${row.id.slice(-12)}</span>`},
];

function Progress(row) {
  const {done, total, percent} = row.progress || {};
  return html`<span class="nowrap"><${Meter} percent=${percent || 0} status=${row.status}/> <span class="faint">${done === null || done === undefined ? `${percent ?? 0} %` : `${done}/${total}`}</span></span>`;
}

/** What it does now, or why it has ended. */
function What(row) {
  if (row.error) {
    return html`<button type="button" class="bare code" title="Show only this error" onClick=${() => setFilter({error_code: row.error.code})}>${row.error.code}</button>
      <span class="soft" title=${row.error.message}>${row.error.message}</span>${row.retried_by && html` <a class="nowrap" href=${href(`/executions/${row.retried_by}`)}>retried</a>`}`;
  }
  const tasks = row.current_tasks || [], more = (row.current_task_count || 0) - tasks.length;
  if (!tasks.length) return row.status === "pending" ? html`<span class="faint">waits for an engine</span>` : null;
  return html`<span class="soft">${tasks.map(task => task.name + (task.status === "retrying" ? " (retrying)" : "")).join(", ")}${more > 0 && ` and ${more} more`}</span>`;
}
