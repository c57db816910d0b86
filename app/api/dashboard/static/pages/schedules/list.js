// Schedules, of all workflows or of one.
import {html, useEffect, useMemo, useRef, useState} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {change, post} from "../../lib/api.js";
import {useResource} from "../../lib/resource.js";
import {clock, utc} from "../../lib/time.js";
import {may} from "../../lib/session.js";
import {Dialog} from "../../parts/dialog.js";
import {Empty, Loaded} from "../../parts/problem.js";
import {Pager, skipped} from "../../parts/pager.js";
import {Table} from "../../parts/table.js";
import {Status} from "../../parts/status.js";
import {Ago, Time} from "../../parts/time.js";
import {tell} from "../../parts/toast.js";
import {ScheduleForm} from "./form.js";

const LIMIT = 50, EVERY_MS = 5000, FIRES = 5, MOST_WORKFLOWS = 200;

/** `workflow` or `workflowRef` limits it to one; `title` makes it a page. */
export function ScheduleList({title, workflow, workflowRef = workflow?.id}) {
  const list = useResource("schedules", {workflow_id: workflowRef, skip: skipped(), limit: LIMIT}, {everyMs: EVERY_MS});
  const workflows = useResource(workflow ? null : "workflows", {limit: MOST_WORKFLOWS});
  const names = useMemo(() => new Map((workflow ? [workflow] : workflows.data?.items || []).map(one => [one.id, one])), [workflow, workflows.data]);
  const [dialog, setDialog] = useState(null), close = () => setDialog(null), done = () => { list.reload(); };
  const mayWrite = may("schedules:write"), add = mayWrite && html`<button type="button" class=${title ? "primary" : ""} onClick=${() => setDialog({kind: "form"})}>New schedule</button>`;
  return html`${title ? html`<div class="page-head"><h1>${title}</h1><div class="end">${add}</div></div>` : html`<div class="row list-tools">${add}</div>`}
    <${Loaded} of=${list}>${data => (data.items.length
      ? html`<div class="stacked list-of-schedules"><${Table} label="Schedules" columns=${columns(names, workflow, mayWrite, setDialog, done)} rows=${data.items} rowClass=${row => (row.paused ? "is-paused" : "")}/></div><${Pager} total=${data.total} limit=${LIMIT}/>`
      : html`<${Empty} title="There is no schedule yet"><p>A schedule starts a workflow by the clock, without anyone's request.</p><//>`)}<//>
    ${dialog?.kind === "form" && html`<${ScheduleForm} schedule=${dialog.schedule} workflow=${workflow} workflowRef=${workflowRef} workflows=${[...names.values()]} onClose=${close} onDone=${done}/>`}
    ${dialog?.kind === "delete" && html`<${DeleteDialog} schedule=${dialog.schedule} onClose=${close} onDone=${done}/>`}`;
}

const nameOf = schedule => schedule.key || `Schedule ${schedule.id}`;

const columns = (names, workflow, mayWrite, setDialog, done) => [
  {key: "name", title: "Schedule", cell: row => html`<strong>${nameOf(row)}</strong>`},
  !workflow && {key: "workflow", title: "Workflow", cell: row => html`<a class="row-link" href=${href(`/workflows/${row.workflow_id}`, {tab: "schedules"})}>${names.get(row.workflow_id)?.name || row.workflow_id}</a>`},
  {key: "when", title: "When", cell: row => html`<${When} schedule=${row}/>`},
  {key: "next", title: "Next times", cell: row => html`<${Fires} schedule=${row}/>`},
  {key: "last", title: "Last start", cell: row => html`<${Last} schedule=${row}/>`},
  mayWrite && {key: "acts", title: html`<span class="sr">Actions</span>`, cell: row => html`<${Acts} schedule=${row} setDialog=${setDialog} done=${done}/>`},
].filter(Boolean);

function When({schedule}) {
  if (schedule.at) return html`once, <${Time} at=${schedule.at}/>`;
  return html`<code>${schedule.cron}</code> <span class="faint">${schedule.time_zone}</span>`;
}

/** The service computes them, also for a schedule that is paused. */
function Fires({schedule}) {
  const fires = useResource(schedule.problem ? null : `schedules/${schedule.id}/next`, {count: FIRES});
  const [first, ...others] = (fires.data?.items || []).filter(at => Date.parse(at) > Date.now() - 1000);
  useReadAgain(fires, `${schedule.next_fire_at} ${schedule.updated_at}`);
  if (schedule.problem) return html`<span class="bad">${schedule.problem}</span>`;
  return html`<div class="fires">${schedule.paused ? html`<${Status} status="paused"/>` : schedule.waiting_fire_at && html`<${Status} status="running" word="a start waits"/>`}
    ${first && html`<strong><${Ago} at=${first}/></strong><ol aria-label="Next times">${[first, ...others].map(at => html`<li key=${at}><time datetime=${at} title=${utc(at)} class="nowrap">${short(at)}</time></li>`)}</ol>`}
    ${fires.data && !first && html`<span class="faint">none</span>`}</div>`;
}

/** Without seconds where there are none. */
const short = at => clock(at).replace(/:00$/, "");

function useReadAgain(resource, value) {
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) resource.reload();
    isFirst.current = false;
  }, [value]);
}

function Last({schedule}) {
  if (!schedule.last_fire_at) return html`<span class="faint">–</span>`;
  const shown = html`<${Ago} at=${schedule.last_fire_at}/>`;
  return schedule.last_execution_id && may("executions:read") ? html`<a href=${href(`/executions/${schedule.last_execution_id}`)}>${shown}</a>` : shown;
}

function Acts({schedule, setDialog, done}) {
  const turn = async () => {
    try {
      await post(`schedules/${schedule.id}/${schedule.paused ? "resume" : "pause"}`);
      tell(`${nameOf(schedule)} ${schedule.paused ? "continues" : "is paused"}`);
    } catch (problem) {
      tell(problem.detail, "bad");
    }
    done();
  };
  return html`<div class="acts"><button type="button" class="tiny" onClick=${turn} aria-label="${schedule.paused ? "Resume" : "Pause"} ${nameOf(schedule)}">${schedule.paused ? "Resume" : "Pause"}</button>
    <button type="button" class="tiny" onClick=${() => setDialog({kind: "form", schedule})} aria-label="Edit ${nameOf(schedule)}">Edit</button>
    <button type="button" class="tiny danger" onClick=${() => setDialog({kind: "delete", schedule})} aria-label="Delete ${nameOf(schedule)}">Delete</button></div>`;
}

function DeleteDialog({schedule, onClose, onDone}) {
  const remove = async () => {
    await change("DELETE", `schedules/${schedule.id}`);
    tell(`${nameOf(schedule)} is deleted`);
    onDone();
  };
  return html`<${Dialog} title="Delete ${nameOf(schedule)}?" action="Delete schedule" danger onSubmit=${remove} onClose=${onClose}>
    <p>It starts nothing any more. Executions that it has started continue.</p><p><${When} schedule=${schedule}/></p><//>`;
}
