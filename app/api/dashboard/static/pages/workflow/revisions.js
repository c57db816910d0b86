// The revisions of a workflow: what each changed, any two compared, and the way back to one.
import {html, useState} from "../../lib/html.js";
import {query, setQuery} from "../../lib/router.js";
import {change, read} from "../../lib/api.js";
import {useResource} from "../../lib/resource.js";
import {may} from "../../lib/session.js";
import {Copy} from "../../parts/copy.js";
import {Dialog} from "../../parts/dialog.js";
import {Diff} from "../../parts/diff.js";
import {Loaded} from "../../parts/problem.js";
import {Time} from "../../parts/time.js";
import {tell} from "../../parts/toast.js";

const LIMIT = 100;

export function Revisions({workflow, reload}) {
  const list = useResource(`workflows/${workflow.id}/revisions`, {limit: LIMIT});
  const [restored, setRestored] = useState(null);
  return html`<${Loaded} of=${list}>${data => {
    const shown = chosen(data.items);
    return html`<div class="with-list"><ol class="box revisions" aria-label="Revisions">${data.items.map(one => html`<${Revision} key=${one.revision} one=${one} shown=${shown} isCurrent=${one.revision === workflow.revision}/>`)}
      ${data.total > data.items.length && html`<li class="faint">and ${data.total - data.items.length} older ones</li>`}</ol>
      <${Compared} workflow=${workflow} shown=${shown} revisions=${data.items} onRestore=${setRestored}/></div>`;
  }}<//>
  ${restored && html`<${Restore} workflow=${workflow} revision=${restored} onClose=${() => setRestored(null)} onDone=${() => { list.reload(); reload(); }}/>`}`;
}

/** {revision, against} of the query; the newest one and the one before it without. */
function chosen(items) {
  const number = name => Number.parseInt(query.value.get(name), 10);
  const revision = number("revision") || items[0]?.revision, against = number("against");
  return {revision, against: Number.isNaN(against) ? revision - 1 : against};
}

function Revision({one, shown, isCurrent}) {
  return html`<li><button type="button" aria-pressed=${one.revision === shown.revision} onClick=${() => setQuery({revision: one.revision, against: null}, {replace: true})}>
    <span class="row"><strong>${one.revision}</strong>${isCurrent && html`<span class="tag">current</span>`}<span class="grow"></span><span class="faint"><${Time} at=${one.created_at}/></span></span>
    <span class="row faint"><span class="grow cut">${one.requested_by || ""}</span>${one.task_count} ${one.task_count === 1 ? "task" : "tasks"}</span></button></li>`;
}

function Compared({workflow, shown, revisions, onRestore}) {
  const path = number => `workflows/${workflow.id}/revisions/${number}/file`;
  const after = useResource(path(shown.revision)), before = useResource(shown.against > 0 ? path(shown.against) : null);
  const others = revisions.map(one => one.revision).filter(number => number !== shown.revision);
  return html`<section class="box" aria-label="What changed"><header><h2>Revision ${shown.revision}</h2>
      <label class="row soft">against <select value=${String(shown.against)} onChange=${event => setQuery({revision: shown.revision, against: event.currentTarget.value}, {replace: true})}>
        ${others.map(number => html`<option key=${number} value=${number}>${number}</option>`)}<option value="0">nothing</option></select></label>
      <div class="end">${after.data && html`<${Copy} text=${after.data} label="Copy YAML"/>`}${may("definitions:write") && shown.revision !== workflow.revision && html`<button type="button" onClick=${() => onRestore(shown.revision)}>Restore</button>`}</div></header>
    <div class="in"><${Loaded} of=${after}>${text => (shown.against > 0
      ? html`<${Loaded} of=${before}>${old => html`<${Diff} before=${old} after=${text} label="Changes from revision ${shown.against} to ${shown.revision}"/>`}<//>`
      : html`<${Diff} before="" after=${text} label="The whole revision ${shown.revision}"/>`)}<//></div></section>`;
}

function Restore({workflow, revision, onClose, onDone}) {
  const restore = async () => {
    const {etag, body} = await read(`workflows/${workflow.id}`);
    const made = await change("POST", `workflows/${workflow.id}/revisions/${revision}/restore`, undefined, {etag});
    tell(made.revision === body.revision ? "Nothing has changed: it is as that revision was" : `Revision ${made.revision} is as revision ${revision} was`);
    setQuery({revision: null, against: null}, {replace: true});
    onDone();
  };
  return html`<${Dialog} title="Restore revision ${revision}?" action="Restore" onSubmit=${restore} onClose=${onClose}>
    <p>This creates a new revision with the contents of revision ${revision}. The revisions in between are kept, and executions that run keep theirs.</p><//>`;
}
