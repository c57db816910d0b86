// The graph of a definition, and what its tasks say.
import {html, useState} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {useResource} from "../../lib/resource.js";
import {fieldsOf} from "../../lib/schema.js";
import {duration} from "../../lib/time.js";
import {Graph} from "../../parts/graph.js";
import {Empty, Loaded} from "../../parts/problem.js";
import {Json} from "../../parts/json.js";

export function Definition({workflow}) {
  const [selected, setSelected] = useState(null);
  const graph = useResource(`workflows/${workflow.id}/revisions/${workflow.revision}/graph`);
  const task = workflow.tasks.find(one => one.id === selected);
  if (!workflow.tasks.length) return html`<${Empty} title="This workflow has no tasks"><p>An execution of it completes at once.</p><//>`;
  return html`<div class="with-panel"><div class="box graph-of-definition"><${Loaded} of=${graph}>${data => html`
      <${Graph} graph=${data} selected=${selected} label="Graph of ${workflow.name}" onSelect=${id => setSelected(selected === id ? null : id)}/>`}<//></div>
    ${task ? html`<${Task} key=${task.id} task=${task} calls=${graph.data?.nodes.find(node => node.task_id === task.id)?.workflow}/>` : html`<${About} workflow=${workflow}/>`}</div>`;
}

function Task({task, calls}) {
  return html`<section class="box panel" aria-label="Task ${task.name}"><header><h2>${task.name}</h2><span class="faint">${task.type || "no type"}</span></header>
    <div class="in stack">${task.description && html`<p>${task.description}</p>`}
      <dl class="facts"><${Fact} name="Group" value=${task.depends_on ? null : task.sequence}/><${Fact} name="Runs" value=${task.depends_on ? null : task.execution_type === "sync" ? "alone in its group" : "beside others"}/>
        <${Fact} name="After" value=${task.depends_on?.join(", ")}/><${Fact} name="Timeout" value=${task.timeout_seconds && duration(task.timeout_seconds)}/>
        <${Fact} name="Attempts" value=${task.retry?.max_attempts}/><${Fact} name="If it fails" value=${task.on_failure === "continue" ? "continue" : null}/>
        <${Fact} name="Undone by" value=${task.compensate?.join(", ")}/>
        ${calls && html`<${Fact} name="Starts" value=${html`<a href=${href(`/workflows/${encodeURIComponent(calls)}`)}>${calls}</a>`}/>`}</dl>
      <${Code} name="when" text=${task.when}/><${Code} name="for each" text=${task.for_each}/>
      ${Object.keys(task.config || {}).length > 0 && html`<div><h3>Config</h3><div class="scroll"><${Json} value=${task.config} depth=${3}/></div></div>`}
      ${task.output_schema && html`<div><h3>Output schema</h3><div class="scroll"><${Json} value=${task.output_schema} depth=${1}/></div></div>`}</div></section>`;
}

function About({workflow}) {
  const hasVariables = Object.keys(workflow.variables || {}).length > 0;
  return html`<section class="box" aria-label="About the workflow"><header><h2>About</h2></header><div class="in stack">
    <dl class="facts"><${Fact} name="Tasks" value=${workflow.tasks.length}/><${Fact} name="Timeout" value=${workflow.timeout_seconds && duration(workflow.timeout_seconds)}/>
      <${Fact} name="Kept for" value=${workflow.retention_days === null || workflow.retention_days === undefined ? null : workflow.retention_days ? `${workflow.retention_days} ${workflow.retention_days === 1 ? "day" : "days"}` : "ever"}/>
      <${Fact} name="Begins with" value=${workflow.start_task}/><${Fact} name="Secrets" value=${workflow.secrets?.join(", ")}/></dl>
    <p class="faint">Choose a task in the graph to see what it does.</p>
    ${workflow.input_schema && html`<${Input} schema=${workflow.input_schema}/>`}
    ${hasVariables && html`<div><h3>Variables</h3><div class="scroll"><${Json} value=${workflow.variables} depth=${1}/></div></div>`}</div></section>`;
}

function Input({schema}) {
  const fields = fieldsOf(schema);
  if (!fields?.length) return html`<div><h3>Input</h3><div class="scroll"><${Json} value=${schema} depth=${2}/></div></div>`;
  return html`<div><h3>Input</h3><ul class="input-fields">${fields.map(field => html`<li key=${field.name}><code>${field.name}</code>
    <span class="faint">${typeOf(field)}${field.required ? ", required" : ""}</span>${field.about && html`<div class="soft">${field.about}</div>`}</li>`)}</ul></div>`;
}

const typeOf = ({kind, choices, schema}) => (choices ? choices.map(String).join(" or ") : kind === "json" ? [schema.type].flat().filter(Boolean).join(" or ") || "any" : schema.format || kind);

const Fact = ({name, value}) => (value === null || value === undefined || value === "" || value === 0 && name !== "Group" && name !== "Tasks" ? null : html`<div><dt>${name}</dt><dd>${value}</dd></div>`);
const Code = ({name, text}) => (text ? html`<div><h3>${name}</h3><code>${text}</code></div>` : null);
