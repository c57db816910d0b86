// What has happened to an entity, newest first.
import {html, cls, useState} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {Json} from "../../parts/json.js";
import {ProblemBox} from "../../parts/problem.js";
import {Time} from "../../parts/time.js";

const BAD = new Set(["timer_blocked"]);

export function History({state, entity, titles}) {
  const [problem, setProblem] = useState(null), shown = [...state.events].reverse();
  return html`<section class="box history" aria-label="History"><header><h2>History</h2><span class="faint">${entity.sequence} ${entity.sequence === 1 ? "event" : "events"}</span></header>
    <${ProblemBox} problem=${state.problem || problem}/>
    <ol>${shown.map(event => html`<${Event} key=${event.sequence} event=${event} titles=${titles}/>`)}</ol>
    ${state.hasOlder && html`<div class="in"><button type="button" onClick=${() => state.older().catch(setProblem)}>Older events</button></div>`}</section>`;
}

function Event({event, titles}) {
  const details = Object.fromEntries(["context", "data"].map(name => [name, event[name]]).filter(([, value]) => value && Object.keys(value).length));
  return html`<li class=${cls("history-event", `is-${event.type}`, BAD.has(event.type) && "is-bad")}>
    <span class="faint at">${event.sequence}</span><div class="what">
      <div><${What} event=${event} titles=${titles}/></div>
      <div class="faint"><${By} event=${event}/>${event.notes && html` · <q>${event.notes}</q>`}</div>
      ${Object.keys(details).length > 0 && html`<details><summary>${Object.keys(details).join(" and ")}</summary><div class="scroll"><${Json} value=${details} depth=${3}/></div></details>`}</div>
    <span class="faint when"><${Time} at=${event.occurred_at}/></span></li>`;
}

function What({event, titles}) {
  const title = name => titles.get(name) || name;
  if (event.type === "transitioned") return html`<strong>${event.transition}</strong> <span class="faint">${title(event.from_state)} →</span> ${title(event.to_state)}`;
  if (event.type === "entity_started") return html`<strong>started</strong> <span class="faint">in</span> ${title(event.to_state)}`;
  if (event.type === "workflow_started") return html`<strong>runs</strong> ${event.execution_id ? html`<a href=${href(`/executions/${event.execution_id}`)}>${event.data?.workflow || event.execution_id.slice(-12)}</a>` : event.message}`;
  if (event.type === "timer_set" && event.data?.due_at) return html`<strong>timer set</strong> <span class="faint">for</span> <${Time} at=${event.data.due_at}/> <span class="faint">→</span> ${event.data.transition || title(event.data.to)}`;
  return html`<strong>${event.type.replaceAll("_", " ")}</strong> <span class="soft">${event.message}</span>`;
}

const EXECUTION = /^execution:(.+)$/;

function By({event}) {
  const [, execution] = EXECUTION.exec(event.actor || "") || [];
  const actor = execution ? html`execution <a href=${href(`/executions/${execution}`)}>${execution.slice(-12)}</a>` : event.actor;
  return html`${actor ? html`by ${actor}` : event.type.replaceAll("_", " ")}${event.on_behalf_of && ` for ${event.on_behalf_of}`}`;
}
