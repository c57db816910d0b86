// One machine: its states and transitions, and the entities that it governs.
import {html, useEffect, useState} from "../lib/html.js";
import {query, setQuery} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {may} from "../lib/session.js";
import {conditionsOf, titlesOf} from "../lib/machine.js";
import {Loaded} from "../parts/problem.js";
import {Tabs} from "../parts/tabs.js";
import {Table} from "../parts/table.js";
import {StateGraph} from "../parts/state-graph.js";
import {Ago} from "../parts/time.js";
import {EntityList} from "./entities/list.js";
import {MachineRevisions} from "./machine/revisions.js";
import {StartDialog} from "./machine/start.js";

const EVERY_MS = 10_000;
const TABS = [{key: "entities", title: "Entities"}, {key: "transitions", title: "Transitions"}, {key: "revisions", title: "Revisions"}];

export function Page({id}) {
  const machine = useResource(`machines/${encodeURIComponent(id)}`, {}, {everyMs: EVERY_MS});
  useEffect(() => { if (machine.data) document.title = `${machine.data.name} · Workflows`; }, [machine.data?.name]);
  return html`<${Loaded} of=${machine}>${data => html`<${Machine} machine=${data} reload=${machine.reload}/>`}<//>`;
}

function Machine({machine, reload}) {
  const [starts, setStarts] = useState(false), tab = query.value.get("tab") || "entities", state = query.value.get("state");
  const choose = name => setQuery({state: name === state ? null : name, tab: null}, {replace: true});
  return html`<div class="page-head"><div class="titles"><h1>${machine.name}</h1>
      <p class="faint">${machine.key && html`<code>${machine.key}</code> · `}revision ${machine.revision}, <${Ago} at=${machine.updated_at}/>${machine.version && ` · version ${machine.version}`}</p></div>
      <div class="end">${may("machines:transition") && html`<button type="button" class="primary" onClick=${() => setStarts(true)}>Start entity</button>`}</div></div>
    ${(machine.description || machine.metadata?.description) && html`<p class="soft prose">${machine.description || machine.metadata.description}</p>`}
    <div class="stack"><section class="box graph-frame" aria-label="States"><${StateGraph} machine=${machine} selected=${state} onSelect=${choose} label="States of ${machine.name}"/></section>
    <div><${Tabs} label="Parts of the machine" tabs=${TABS} chosen=${tab} onChoose=${key => setQuery({tab: key === "entities" ? null : key}, {replace: true})}>
      <div class="tab-body">${tab === "transitions" ? html`<${Transitions} machine=${machine} state=${state}/>` : tab === "revisions" ? html`<${MachineRevisions} machine=${machine} reload=${reload}/>`
      : html`${state && html`<p class="row">in <strong>${titlesOf(machine).get(state) || state}</strong> <button type="button" class="bare tiny" onClick=${() => choose(state)}>show all states</button></p>`}
          <${EntityList} filter=${{machine: machine.id, state}} withMachine=${false}/>`}</div><//></div></div>
    ${starts && html`<${StartDialog} machine=${machine} onClose=${() => setStarts(false)}/>`}`;
}

function Transitions({machine, state}) {
  const rows = machine.transitions.map((one, index) => ({...one, id: index})).filter(one => !state || one.from === state || one.from === "*" || one.to === state);
  return html`<div class="stacked list-of-transitions"><${Table} label="Transitions" columns=${TRANSITIONS} rows=${rows}/></div>`;
}

const TRANSITIONS = [
  {key: "name", title: "Transition", cell: row => html`<strong>${row.name}</strong>${row.description && html`<div class="faint">${row.description}</div>`}`},
  {key: "way", title: "From and to", cell: row => html`${row.from === "*" ? html`<em>any state</em>` : row.from} <span class="faint">→</span> ${row.to}`},
  {key: "conditions", title: "Conditions", cell: row => (conditionsOf(row).length ? html`<ul>${conditionsOf(row).map(one => html`<li key=${one}>${one}</li>`)}</ul>` : html`<span class="faint">–</span>`)},
  {key: "runs", title: "Runs", cell: row => row.run?.workflow || html`<span class="faint">–</span>`},
];
