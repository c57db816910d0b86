// The revisions of a machine, and what each changed.
import {html, useState} from "../../lib/html.js";
import {query, setQuery} from "../../lib/router.js";
import {change, read} from "../../lib/api.js";
import {useResource} from "../../lib/resource.js";
import {may} from "../../lib/session.js";
import {Dialog} from "../../parts/dialog.js";
import {Diff} from "../../parts/diff.js";
import {Loaded} from "../../parts/problem.js";
import {Time} from "../../parts/time.js";
import {tell} from "../../parts/toast.js";

const LIMIT = 100, SET_BY_THE_SERVICE = ["id", "revision", "created_at", "updated_at"];

export function MachineRevisions({machine, reload}) {
  const list = useResource(`machines/${machine.id}/revisions`, {limit: LIMIT}), [restored, setRestored] = useState(null);
  const shown = Number.parseInt(query.value.get("revision"), 10) || machine.revision;
  return html`<${Loaded} of=${list}>${data => html`<div class="with-list"><ol class="box revisions" aria-label="Revisions">${data.items.map(one => html`<li key=${one.revision}>
      <button type="button" aria-pressed=${one.revision === shown} onClick=${() => setQuery({revision: one.revision}, {replace: true})}>
        <span class="row"><strong>${one.revision}</strong>${one.revision === machine.revision && html`<span class="tag">current</span>`}<span class="grow"></span><span class="faint"><${Time} at=${one.created_at}/></span></span>
        ${one.requested_by && html`<span class="faint cut">${one.requested_by}</span>`}</button></li>`)}</ol>
    <section class="box" aria-label="What changed"><header><h2>Revision ${shown}${shown > 1 && `, against ${shown - 1}`}</h2><div class="end">
        ${may("machines:write") && shown !== machine.revision && html`<button type="button" onClick=${() => setRestored(shown)}>Restore</button>`}</div></header>
      <div class="in"><${Compared} machine=${machine} revision=${shown}/></div></section></div>`}<//>
    ${restored && html`<${Restore} machine=${machine} revision=${restored} onClose=${() => setRestored(null)} onDone=${() => { list.reload(); reload(); }}/>`}`;
}

function Compared({machine, revision}) {
  const path = number => `machines/${machine.id}/revisions/${number}`;
  const after = useResource(path(revision)), before = useResource(revision > 1 ? path(revision - 1) : null);
  return html`<${Loaded} of=${after}>${now => (revision > 1 ? html`<${Loaded} of=${before}>${was => html`<${Diff} before=${textOf(was)} after=${textOf(now)} label="Changes of revision ${revision}"/>`}<//>`
    : html`<${Diff} before="" after=${textOf(now)} label="The whole revision"/>`)}<//>`;
}

const textOf = machine => JSON.stringify(Object.fromEntries(Object.entries(machine).filter(([name]) => !SET_BY_THE_SERVICE.includes(name))), null, 2);

function Restore({machine, revision, onClose, onDone}) {
  const restore = async () => {
    const {etag} = await read(`machines/${machine.id}`);
    const made = await change("POST", `machines/${machine.id}/revisions/${revision}/restore`, undefined, {etag});
    tell(`Revision ${made.revision} is as revision ${revision} was`);
    setQuery({revision: null}, {replace: true});
    onDone();
  };
  return html`<${Dialog} title="Restore revision ${revision}?" action="Restore" onSubmit=${restore} onClose=${onClose}><p>This creates a new revision with the contents of revision ${revision}. Entities stay at the revision that they were started with.</p><//>`;
}
