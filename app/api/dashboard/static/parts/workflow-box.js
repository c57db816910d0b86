// A box for a workflow's key or id, which knows the workflows that there are.
import {html, useEffect, useId} from "../lib/html.js";
import {workflows} from "../lib/names.js";

export function WorkflowBox({value, onChoose, label = "Workflow", ...rest}) {
  const id = useId();
  useEffect(() => { workflows.read(); }, []);
  return html`<div><label class="field">${label}<input value=${value} list=${id} placeholder="any" spellcheck=${false} autocomplete="off" onChange=${event => onChoose(event.currentTarget.value.trim())} ...${rest}/></label>
    <datalist id=${id}>${[...workflows.known.value.values()].map(one => html`<option key=${one.id} value=${one.key || one.id}>${one.name}</option>`)}</datalist></div>`;
}
