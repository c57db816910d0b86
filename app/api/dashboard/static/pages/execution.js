// One execution: the error first, then the graph, the timeline, the events; beside them the task that is chosen.
import {html, useEffect, useState} from "../lib/html.js";
import {query, setQuery} from "../lib/router.js";
import {may} from "../lib/session.js";
import {useResource} from "../lib/resource.js";
import {useKeys} from "../lib/keys.js";
import {Graph} from "../parts/graph.js";
import {JsonBox} from "../parts/json.js";
import {Tabs} from "../parts/tabs.js";
import {ProblemBox} from "../parts/problem.js";
import {useExecution} from "./execution/following.js";
import {Head, Reasons} from "./execution/head.js";
import {useControls} from "./execution/controls.js";
import {Timeline} from "./execution/timeline.js";
import {Events} from "./execution/events.js";
import {TaskPanel} from "./execution/task-panel.js";

const TABS = [{key: "timeline", title: "Timeline"}, {key: "events", title: "Events"}, {key: "data", title: "Input and output"}];

export function Page({id}) {
  const state = useExecution(id), {fold, version} = state, controls = useControls(fold, state.reload);
  const tab = query.value.get("tab") || "timeline", selected = Number(query.value.get("task")) || null;
  const select = taskId => setQuery({task: taskId}, {replace: true});
  useKeys({Escape: () => (selected ? select(null) : false), ...stepKeys(fold, selected, select)});
  useEffect(() => { if (fold) document.title = `${fold.execution.status} · ${fold.workflow.name} · Workflows`; }, [fold?.execution.status]);
  if (!fold) return state.problem ? html`<${ProblemBox} problem=${state.problem} onRetry=${state.problem.isPassing ? state.reload : null}/>` : html`<p class="empty" aria-busy="true">Loading …</p>`;
  const task = selected && fold.tasks.get(selected);
  return html`<${Head} fold=${fold} onAct=${controls.onAct}/>
    <div class="stack execution">
      <${ProblemBox} problem=${state.problem}/>
      <${Reasons} fold=${fold} onSelect=${select} onAct=${controls.onAct}/>
      <div class=${task ? "with-panel" : ""}><div class="stack">
        <${TasksGraph} fold=${fold} selected=${selected} onSelect=${select}/>
        <section class="box"><${Tabs} tabs=${TABS} chosen=${tab} label="What is shown" onChoose=${key => setQuery({tab: key === "timeline" ? "" : key}, {replace: true})}>
          ${tab === "events" ? html`<${Events} fold=${fold} listen=${state.listen}/>` : tab === "data" ? html`<${Data} execution=${fold.execution}/>`
            : html`<${Timeline} fold=${fold} version=${version} selected=${selected} onSelect=${select}/>`}<//></section></div>
        ${task && html`<${TaskPanel} key=${task.task_id} fold=${fold} task=${task} onAct=${controls.onAct} onClose=${() => select(null)}/>`}</div>
    </div>${controls.dialog}`;
}

function stepKeys(fold, selected, select) {
  if (!fold) return {};
  const ids = [...fold.tasks.keys()], step = by => () => select(ids[Math.max(0, Math.min(ids.length - 1, selected === null ? (by > 0 ? 0 : ids.length - 1) : ids.indexOf(selected) + by))]);
  return {j: step(1), k: step(-1)};
}

function TasksGraph({fold, selected, onSelect}) {
  const {execution} = fold;
  const graph = useResource(may("definitions:read") ? `workflows/${execution.workflow_id}/revisions/${execution.revision}/graph` : null);
  if (graph.problem || (!graph.data && !graph.isLoading)) return null;
  return html`<section class="box graph-frame">${graph.data && html`<${Graph} graph=${graph.data} selected=${selected} onSelect=${onSelect} label="Tasks" stateOf=${taskId => stateOf(fold.tasks.get(taskId))}/>`}</section>`;
}

function stateOf(task) {
  if (!task) return null;
  const {status, elements, attempt, waits_for: waits} = task;
  const note = elements && (elements.total || elements.done) ? `${elements.done}/${elements.total ?? "?"}` : status === "running" && waits?.signal ? `waits for ${waits.signal}` : status === "running" && waits?.until ? "waits"
    : attempt > 1 ? `${status}, attempt ${attempt}` : status === "failed" ? task.error?.code : task.child_execution_id ? `${status} · child` : "";
  return {status, note};
}

const Data = ({execution}) => html`<div class="in data"><${JsonBox} title="Input" value=${execution.input}/>
  ${execution.finished_at ? html`<${JsonBox} title="Output" value=${execution.output}/>` : html`<p class="faint">The output comes with the end.</p>`}</div>`;
