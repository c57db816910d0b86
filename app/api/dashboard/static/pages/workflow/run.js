// Start an execution: a form from `input_schema`, a dry run, and a key that makes the start happen once.
import {html, useState} from "../../lib/html.js";
import {go, href} from "../../lib/router.js";
import {post} from "../../lib/api.js";
import {Dialog} from "../../parts/dialog.js";
import {Json} from "../../parts/json.js";
import {ProblemBox} from "../../parts/problem.js";
import {SchemaForm} from "../../parts/schema-form.js";
import {Status} from "../../parts/status.js";

/** `initial` is the input to begin with, as that of an execution which is run again. */
export function RunDialog({workflow, initial = {}, onClose}) {
  const [input, setInput] = useState({value: initial, isValid: true}), [key, setKey] = useState(""), [tried, setTried] = useState(null);
  const start = async () => {
    const body = {input: input.value, ...(key.trim() && {idempotency_key: key.trim()})};
    const execution = await post(`workflows/${workflow.id}/executions`, body);
    go(href(`/executions/${execution.id}`));
  };
  const attempt = async () => {
    try {
      setTried({run: await post(`workflows/${workflow.id}/test`, {input: input.value})});
    } catch (problem) {
      setTried({problem});
    }
  };
  return html`<${Dialog} title="Run ${workflow.name}" action="Run" wide disabled=${!input.isValid} onSubmit=${start} onClose=${onClose}>
    <${SchemaForm} schema=${workflow.input_schema} initial=${initial} onChange=${value => { setInput(value); setTried(null); }}/>
    <label class="field">Idempotency key<input value=${key} onInput=${event => setKey(event.currentTarget.value)} maxlength="200" autocomplete="off"/>
      <span class="about">Optional. A second start with the same key leads to the execution of the first.</span></label>
    <div><button type="button" disabled=${!input.isValid} onClick=${attempt}>Dry run</button> <span class="faint">shows which path it would take; no task runs</span></div>
    <div role="status">${tried && html`<${Tried} of=${tried}/>`}</div><//>`;
}

function Tried({of: {run, problem}}) {
  if (problem) return html`<${ProblemBox} problem=${problem}/>`;
  return html`<section class="tried"><h3 class="row">It would end as <${Status} status=${run.status}/></h3>
    ${run.error && html`<p class="problem"><span class="code">${run.error.code}</span>${run.error.message}</p>`}
    <ol>${run.steps.map((step, index) => html`<li key=${index}><details><summary><${Status} status=${step.status}/> ${step.task}${step.error && html` <span class="code">${step.error.code}</span>`}</summary>
      <div class="scroll"><${Json} value=${{config: step.config, output: step.output, ...(step.error && {error: step.error})}} depth=${2}/></div></details></li>`)}</ol>
    ${run.is_cut && html`<p class="faint">Only the first thousand steps are shown.</p>`}</section>`;
}
