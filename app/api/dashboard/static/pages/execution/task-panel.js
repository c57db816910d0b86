// One task: its attempts, progress, error, output, and how it is defined.
import {html, useEffect, useRef, useState} from "../../lib/html.js";
import {href, setQuery} from "../../lib/router.js";
import {get} from "../../lib/api.js";
import {may} from "../../lib/session.js";
import {isFinal} from "../../lib/fold.js";
import {useResource} from "../../lib/resource.js";
import {Meter, Status} from "../../parts/status.js";
import {Duration, Time} from "../../parts/time.js";
import {Json, JsonBox} from "../../parts/json.js";
import {ProblemBox} from "../../parts/problem.js";

const SHOWN = 1000, FEW = 6;

export function TaskPanel({fold, task, onAct, onClose}) {
  const {execution} = fold, isLive = !isFinal(execution.status), box = useRef(null);
  useEffect(() => box.current.scrollIntoView({block: "nearest"}), []);
  return html`<section class="box panel" ref=${box} aria-label="Task ${task.name}">
    <header><h2 class="cut">${task.name}</h2><${Status} status=${task.status}/><div class="end">
      ${isLive && !isFinal(task.status) && may("executions:control") && html`<button type="button" class="tiny" onClick=${() => onAct("skip", {task: task.name})}>Skip …</button>`}
      ${!isLive && task.status !== "pending" && may("executions:start") && html`<button type="button" class="tiny" onClick=${() => onAct("rerun", {task: task.name})}>Rerun from here …</button>`}
      <button type="button" class="bare tiny" onClick=${onClose} aria-label="Close">✕</button></div></header>
    <div class="in stack">
      ${task.error && html`<div class="problem"><div class="row wrap"><span class="code">${task.error.code}</span></div><pre>${task.error.message}</pre></div>`}
      <dl class="facts"><div><dt>Started</dt><dd><${Time} at=${task.started_at} millis/></dd></div><div><dt>Took</dt><dd><${Duration} start=${task.started_at} end=${task.finished_at || (isLive ? null : task.started_at)}/></dd></div>
        <div><dt>Attempts</dt><dd>${task.attempt_count ?? task.attempts.length}</dd></div>
        ${task.waits_for && html`<div><dt>Waits for</dt><dd>${task.waits_for.signal && html`<code>${task.waits_for.signal}</code> `}${task.waits_for.until && html`<${Time} at=${task.waits_for.until}/>`}</dd></div>`}</dl>
      <${Progress} task=${task}/>
      ${hasMoreToSay(task) && html`<${Attempts} attempts=${task.attempts}/>`}
      <${Children} fold=${fold} task=${task}/>
      <div class="row"><button type="button" class="tiny" onClick=${() => setQuery({tab: "events", events: task.name}, {replace: true})}>Events of this task</button></div>
      <${Output} execution=${execution} task=${task}/>
      <${Defined} fold=${fold} task=${task}/>
    </div></section>`;
}

/** Attempts are listed where there are several, and where one failed of something else than the task did. */
const hasMoreToSay = ({attempts, error}) => attempts.length > 1 || attempts.some(attempt => attempt.error && attempt.error.message !== error?.message);

function Progress({task}) {
  const {progress, elements} = task;
  if (!elements && !progress) return null;
  const percent = elements?.total ? elements.done / elements.total * 100 : progress?.percent;
  return html`<div class="stack-tight">${percent !== null && percent !== undefined && html`<div class="row"><${Meter} percent=${percent} status=${task.status}/>
    <span class="soft">${elements ? `${elements.done}/${elements.total ?? "?"} elements${elements.failed ? `, ${elements.failed} failed` : ""}` : `${Math.round(percent)} %`}</span></div>`}
    ${progress?.message && html`<p class="soft">${progress.message}</p>`}</div>`;
}

function Attempts({attempts}) {
  const [isWhole, setWhole] = useState(false), shown = isWhole ? attempts : attempts.slice(-FEW);
  return html`<div><h3>Attempts</h3><ol class="attempts">${shown.map(attempt => html`<li key=${attempt.number}>
    <span class="faint">${attempt.number}</span><${Status} status=${attempt.status}/><${Time} at=${attempt.started_at}/><span class="num"><${Duration} start=${attempt.started_at} end=${attempt.finished_at}/></span>
    ${attempt.error && html`<div class="attempt-error"><span class="code">${attempt.error.code}</span> ${attempt.error.message}</div>`}</li>`)}</ol>
    ${shown.length < attempts.length && html`<button type="button" class="bare tiny" onClick=${() => setWhole(true)}>${attempts.length - shown.length} earlier</button>`}</div>`;
}

function Children({fold, task}) {
  const children = useResource(task.child_execution_id ? "executions" : null, {parent: fold.execution.id, limit: 100});
  if (!task.child_execution_id) return null;
  const own = (children.data?.items || []).filter(child => child.parent?.task_id === task.task_id);
  const shown = own.length ? own : [{id: task.child_execution_id, status: null}];
  return html`<div><h3>Child executions</h3><ul class="children">${shown.map(child => html`<li key=${child.id}>${child.status && html`<${Status} status=${child.status}/>`}
    <a href=${href(`/executions/${child.id}`)}>${child.workflow_name || "child"} <span class="mono">${child.id.slice(-12)}</span></a></li>`)}</ul>
    ${children.data?.next_cursor && html`<a href=${href("/executions", {parent: fold.execution.id})}>all children</a>`}</div>`;
}

function Output({execution, task}) {
  const [whole, setWhole] = useState(null), [problem, setProblem] = useState(null);
  useEffect(() => { setWhole(null); setProblem(null); }, [task.task_id, task.output_bytes]);
  if (task.output_text === null || task.output_text === undefined) return null;
  const read = async () => {
    try {
      const page = await get(`executions/${execution.id}/tasks`);
      setWhole({value: (page.items || page).find(other => other.task_id === task.task_id)?.output});
    } catch (error) { setProblem(error); }
  };
  const parsed = whole || parsedOf(task.output_text);
  return html`<div>${parsed ? html`<${JsonBox} title="Output" value=${parsed.value}/>` : html`<h3>Output, its first ${SHOWN} characters of ${bytes(task.output_bytes)}</h3><pre class="cut-text">${task.output_text}</pre>
    <button type="button" class="tiny" onClick=${read}>Show the whole output</button>`}<${ProblemBox} problem=${problem}/></div>`;
}

function parsedOf(text) {
  try { return {value: JSON.parse(text)}; } catch { return null; }
}

const bytes = count => (count < 10_000 ? `${count} bytes` : count < 1_000_000 ? `${Math.round(count / 1000)} kB` : `${(count / 1e6).toFixed(1)} MB`);

const SHOWN_OF_TASK = ["type", "config", "when", "for_each", "max_concurrency", "retry", "timeout_seconds", "depends_on", "on_failure", "compensate"];

function Defined({fold, task}) {
  const {execution} = fold, [isOpen, setOpen] = useState(false);
  const revision = useResource(isOpen && may("definitions:read") ? `workflows/${execution.workflow_id}/revisions/${execution.revision}` : null);
  const found = (revision.data?.tasks || revision.data?.workflow?.tasks || revision.data?.snapshot?.tasks || []).find(other => other.id === task.task_id);
  const defined = found && Object.fromEntries(SHOWN_OF_TASK.filter(name => found[name] !== null && found[name] !== undefined).map(name => [name, found[name]]));
  return may("definitions:read") && html`<details onToggle=${event => setOpen(event.currentTarget.open)}><summary>As defined in revision ${execution.revision}</summary>
    ${defined ? html`<${Json} value=${defined} depth=${4}/>` : revision.problem ? html`<${ProblemBox} problem=${revision.problem}/>` : html`<p class="faint">${revision.isLoading ? "…" : "not in this revision"}</p>`}</details>`;
}
