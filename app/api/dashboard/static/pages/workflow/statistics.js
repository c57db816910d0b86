// How long executions and tasks of a workflow take, and why they fail.
import {html} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {useResource} from "../../lib/resource.js";
import {duration} from "../../lib/time.js";
import {Empty, Loaded} from "../../parts/problem.js";
import {Table} from "../../parts/table.js";
import {Status} from "../../parts/status.js";

const EVERY_MS = 10_000;

export function Statistics({workflow}) {
  const statistics = useResource(`workflows/${workflow.id}/statistics`, {}, {everyMs: EVERY_MS});
  return html`<${Loaded} of=${statistics}>${data => (data.executions.count ? html`<${Shown} data=${data} workflow=${workflow}/>`
    : html`<${Empty} title="No execution has ended yet"><p>Of the last ${data.days} days.</p><//>`)}<//>`;
}

function Shown({data, workflow}) {
  const {executions: all, tasks} = data, longest = Math.max(...tasks.map(task => task.duration_seconds.p95 || 0), 0);
  return html`<div class="stack"><p class="faint">The newest ${all.count} ${all.count === 1 ? "execution" : "executions"} that ended, of the last ${data.days} days.</p>
    <div class="figures">${["completed", "failed", "cancelled"].map(status => html`<${Outcome} key=${status} status=${status} count=${all.by_status[status]} of=${all.count} workflow=${workflow}/>`)}
      <${Figure} name="Half of them take up to" value=${seconds(all.duration_seconds.p50)}/><${Figure} name="95 of 100 take up to" value=${seconds(all.duration_seconds.p95)}/></div>
    ${Object.keys(all.failures).length > 0 && html`<section class="box"><header><h2>Why they failed</h2></header><div class="in"><${Failures} of=${all.failures} href=${code => href("/executions", {workflow_id: workflow.id, error_code: code})}/></div></section>`}
    ${tasks.length > 0 && html`<section class="box"><header><h2>Tasks</h2>${data.tasks_of_executions < all.count && html`<span class="faint">of the newest ${data.tasks_of_executions}</span>`}</header>
      <div class="stacked list-of-task-statistics"><${Table} label="Tasks" id=${row => row.task_id} columns=${columns(longest)} rows=${tasks}/></div></section>`}</div>`;
}

const seconds = value => (value === null ? "–" : duration(value));
const Figure = ({name, value}) => html`<div class="box figure"><strong>${value}</strong><span class="faint">${name}</span></div>`;

const Outcome = ({status, count, of, workflow}) => html`<a class="box figure" href=${href("/executions", {workflow_id: workflow.id, status})}>
  <strong>${count}</strong><span><${Status} status=${status}/> <span class="faint">${Math.round(count / of * 100)} %</span></span></a>`;

function Failures({of, href: to}) {
  const sorted = Object.entries(of).sort(([, one], [, other]) => other - one), most = sorted[0][1];
  return html`<ul class="failures">${sorted.map(([code, count]) => html`<li key=${code}>${to ? html`<a class="code" href=${to(code)}>${code}</a>` : html`<span class="code">${code}</span>`}
    <span class="bar-of tone-failed" aria-hidden="true"><i style=${{width: `${count / most * 100}%`}}></i></span><span class="num">${count}</span></li>`)}</ul>`;
}

const columns = longest => [
  {key: "name", title: "Task", cell: row => row.name},
  {key: "length", title: "p50 and p95", cell: row => html`<${Lengths} of=${row.duration_seconds} longest=${longest}/>`},
  {key: "p50", title: "p50", num: true, cell: row => html`<${Name} name="p50"/>${seconds(row.duration_seconds.p50)}`},
  {key: "p95", title: "p95", num: true, cell: row => html`<${Name} name="p95"/>${seconds(row.duration_seconds.p95)}`},
  {key: "attempts", title: "Attempts", num: true, cell: row => html`<${Name} name="attempts"/>${row.attempts}`},
  {key: "failed", title: "Failed", num: true, cell: row => html`<${Name} name="failed"/>${row.failed ? html`<span class="bad" title=${Object.entries(row.failures).map(([code, count]) => `${count} ${code}`).join(", ")}>${row.failed}</span>` : 0}`},
];

const Name = ({name}) => html`<span class="on-phone">${name} </span>`;

/** Both on one bar: half of the attempts end within the dark part, 95 of 100 within the whole. */
function Lengths({of, longest}) {
  if (of.p95 === null || !longest) return null;
  return html`<span class="lengths" aria-hidden="true"><i class="p95" style=${{width: `${of.p95 / longest * 100}%`}}></i><i class="p50" style=${{width: `${of.p50 / longest * 100}%`}}></i></span>`;
}
