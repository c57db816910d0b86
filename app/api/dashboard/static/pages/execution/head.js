// What comes first: what it is, how it stands, why it failed, what it waits for.
import {html} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {may} from "../../lib/session.js";
import {isFinal} from "../../lib/fold.js";
import {Meter, Status} from "../../parts/status.js";
import {Copy} from "../../parts/copy.js";
import {Ago, Duration, Time} from "../../parts/time.js";
import {Controls} from "./controls.js";

const toExecution = id => html`<a class="mono" href=${href(`/executions/${id}`)} title=${id}>${id.slice(-12)}</a>`;

export function Head({fold, onAct}) {
  const {execution, workflow, progress} = fold;
  return html`<header class="execution-head">
    <div class="page-head"><h1><a class="crumb" href=${href("/executions", {workflow_id: workflow.key || workflow.id})}>${workflow.name}</a></h1>
      <span aria-live="polite"><${Status} status=${execution.status} big/></span>
      ${!isFinal(execution.status) && html`<${Meter} percent=${progress.percent} status=${execution.status}/><span class="soft nowrap">${progress.done ?? "–"}/${progress.total} ${progress.total === 1 ? "task" : "tasks"}</span>`}
      <${Controls} fold=${fold} onAct=${onAct}/></div>
    <ul class="meta">
      <li><span class="mono">${execution.id}</span><${Copy} text=${execution.id} what="Copy the id"/></li>
      <li>created <${Ago} at=${execution.created_at}/>${execution.started_by && html` by <span class="mono">${execution.started_by}</span>`}</li>
      <li>${execution.finished_at ? "took" : "runs for"} <${Duration} start=${execution.started_at} end=${execution.finished_at}/></li>
      <li>revision ${execution.revision} of ${may("definitions:read") ? html`<a href=${href(`/workflows/${execution.workflow_id}`)}>the workflow</a>` : "the workflow"}</li>
      <li>${fold.last} ${fold.last === 1 ? "event" : "events"}</li>
      ${execution.origin_id && html`<li>repeats ${toExecution(execution.origin_id)}</li>`}
      ${fold.retriedBy && html`<li>repeated by ${toExecution(fold.retriedBy)}</li>`}
      ${execution.parent && html`<li>child of ${toExecution(execution.parent.execution_id)}</li>`}
    </ul></header>`;
}

/** The error, with the task that it came from; or what the execution waits for. */
export function Reasons({fold, onSelect, onAct}) {
  const {execution} = fold, tasks = [...fold.tasks.values()];
  const failed = tasks.filter(task => task.status === "failed"), waiting = tasks.filter(task => task.status === "running" && task.waits_for?.signal);
  const retrying = tasks.filter(task => task.status === "retrying");
  const passed = execution.status === "completed";
  return html`${passed && failed.map(task => html`<section class="note row wrap" key=${task.task_id}><span class="grow"><strong>${task.name}</strong> failed, and the workflow continued: <span class="soft">${task.error?.message}</span></span>
      <button type="button" class="tiny" onClick=${() => onSelect(task.task_id)}>Show</button></section>`)}
    ${!passed && (execution.error || failed.length > 0) && html`<section class="problem" aria-label="Why it failed">
      ${execution.error && html`<div class="row wrap"><span class="code">${execution.error.code}</span><strong class="grow">${execution.error.message}</strong></div>`}
      ${failed.map(task => html`<div class="row wrap" key=${task.task_id}><button type="button" class="tiny" onClick=${() => onSelect(task.task_id)}>${task.name}</button>
        <span class="soft">attempt ${task.attempt}, failed at <${Time} at=${task.finished_at}/></span>${!execution.error?.message.includes(task.error?.message) && html`<span class="grow">${task.error?.message}</span>`}</div>`)}</section>`}
    ${!isFinal(execution.status) && waiting.map(task => html`<section class="note row wrap" key=${task.task_id}><span class="grow"><strong>${task.name}</strong> waits for the signal <code>${task.waits_for.signal}</code>${task.waits_for.until && html` until <${Time} at=${task.waits_for.until}/>`}</span>
      ${may("executions:signal") && html`<button type="button" class="tiny" onClick=${() => onAct("signal", {name: task.waits_for.signal})}>Send the signal …</button>`}</section>`)}
    ${retrying.map(task => html`<section class="note" key=${task.task_id}><strong>${task.name}</strong> is tried again ${task.waits_for?.until && html`<${Ago} at=${task.waits_for.until}/>`}: <span class="soft">${task.error?.message || task.message}</span></section>`)}`;
}
