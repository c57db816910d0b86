// One engine: what it is, how busy it is, and what it does for the caller's executions.
import {html} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {EngineStatus, Load, SuccessRate, engineName} from "../parts/engine-state.js";
import {Loaded} from "../parts/problem.js";
import {Ago, Duration, Time} from "../parts/time.js";
import {EngineTasks} from "../parts/engine-tasks.js";

const EVERY_MS = 3000;

export function Page({id}) {
  const engine = useResource(`engines/${id}`, {}, {everyMs: EVERY_MS});
  return html`<${Loaded} of=${engine}>${data => html`<${Engine} engine=${data}/>`}<//>`;
}

function Engine({engine}) {
  return html`<div class="page-head"><h1>${engineName(engine)}</h1><${EngineStatus} status=${engine.status} big/></div>
    ${engine.status === "offline" && html`<p class="note lead">Its lease has ended <${Ago} at=${engine.ended_at}/>. Other engines have taken over what it was running.</p>`}
    <div class="two-columns">
      <div class="stack"><${Facts} engine=${engine}/><${EngineTasks} engine=${engine}/></div>
      <${Abilities} engine=${engine}/>
    </div>`;
}

function Facts({engine}) {
  const {work} = engine, isOver = engine.status === "offline";
  const rows = [
    ["Running", html`<${Load} engine=${engine}/>`], ["Parked", engine.parked?.toLocaleString() ?? "–"],
    ["Version", html`<span class="mono">${engine.version || "–"}</span>`], ["Kind", engine.kind], ["Number", engine.id],
    ["Started", html`<${Time} at=${engine.started_at}/>`],
    [isOver ? "Ran for" : "Has run for", html`<${Duration} start=${engine.started_at} end=${engine.ended_at}/>`],
    ["Last seen", html`<${Ago} at=${engine.renewed_at}/>`],
    ["Your tasks, 24 h", work.total_tasks.toLocaleString()],
    ["of these failed", html`<span class=${work.failed_tasks ? "bad" : ""}>${work.failed_tasks.toLocaleString()}</span>`],
    ["Success, last hour", html`<${SuccessRate} work=${work}/>`],
  ];
  return html`<section class="box" aria-label="Facts"><dl class="facts in">
    ${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}

function Abilities({engine}) {
  return html`<div class="stack">
    <section class="box"><header><h2>Task types</h2><span class="end count">${engine.task_types.length}</span></header>
      <ul class="in words">${engine.task_types.map(type => html`<li key=${type} class="mono">${type}</li>`)}</ul></section>
    <section class="box"><header><h2>Functions of <code>python</code> tasks</h2><span class="end count">${engine.functions?.length ?? ""}</span></header>
      <div class="in"><${Functions} names=${engine.functions}/></div></section></div>`;
}

function Functions({names}) {
  if (names === null) return html`<p class="faint">Shown to those who manage tenants.</p>`;
  if (!names.length) return html`<p class="faint">None. The setting <code>PYTHON_MODULES</code> names modules that have some.</p>`;
  return html`<ul class="names">${names.map(name => html`<li key=${name} class="mono cut" title=${name}>${name}</li>`)}</ul>`;
}
