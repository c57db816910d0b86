// The API keys of the tenant: make, rotate, revoke.
import {html, useState} from "../lib/html.js";
import {post} from "../lib/api.js";
import {useResource} from "../lib/resource.js";
import {me} from "../lib/session.js";
import {Dialog} from "../parts/dialog.js";
import {Allows, KeyState, stateOf} from "../parts/key-state.js";
import {NewKey, Secret} from "../parts/new-key.js";
import {Pager, skipped} from "../parts/pager.js";
import {Empty, Loaded} from "../parts/problem.js";
import {Table} from "../parts/table.js";
import {Ago, Time} from "../parts/time.js";
import {tell} from "../parts/toast.js";

const LIMIT = 50;

export function Page() {
  const list = useResource("keys", {skip: skipped(), limit: LIMIT});
  const [doing, setDoing] = useState(null), [made, setMade] = useState(null);
  const isMade = key => { setMade(key); list.reload(); };
  const close = () => setDoing(null);
  return html`<div class="page-head"><h1>Keys</h1><div class="end"><button class="primary" onClick=${() => setDoing({way: "new"})}>New key</button></div></div>
    <${Loaded} of=${list}>${data => html`<${Keys} ...${data} onDo=${setDoing}/>`}<//>
    ${doing?.way === "new" && html`<${NewKey} onMade=${isMade} onClose=${close}/>`}
    ${doing?.way === "rotate" && html`<${Rotate} apiKey=${doing.key} onMade=${isMade} onClose=${close}/>`}
    ${doing?.way === "revoke" && html`<${Revoke} apiKey=${doing.key} onDone=${list.reload} onClose=${close}/>`}
    ${made && html`<${Secret} made=${made} onClose=${() => setMade(null)}/>`}`;
}

function Keys({items, total, onDo}) {
  if (!items.length) return html`<${Empty} title="There are no keys"><p>Programs and people need one while <code>AUTH=on</code>.</p><//>`;
  const columns = [
    {key: "state", title: "State", cell: row => html`<${KeyState} apiKey=${row}/>`},
    {key: "name", title: "Name", cell: row => html`<strong>${row.name}</strong> <span class="faint mono nowrap">${row.prefix}</span>${row.id === me.value.key_id && html` <span class="tag">yours</span>`}`},
    {key: "allows", title: "Allows", cell: row => html`<${Allows} apiKey=${row}/>`},
    {key: "expires", title: "Valid until", cell: row => html`<span class="label">${row.revoked_at ? "revoked" : "until"} </span>${row.revoked_at ? html`<${Time} at=${row.revoked_at}/>` : row.expires_at ? html`<${Time} at=${row.expires_at}/>` : "no end"}`},
    {key: "used", title: "Last used", cell: row => html`<span class="label">used </span>${row.last_used_at ? html`<${Ago} at=${row.last_used_at}/>` : html`<span class="faint">never</span>`}`},
    {key: "made", title: "Made", cell: row => html`<${Time} at=${row.created_at}/> <span class="faint mono">${row.created_by}</span>`},
    {key: "do", title: "", cell: row => stateOf(row) === "valid" && html`<span class="row"><button class="tiny" onClick=${() => onDo({way: "rotate", key: row})} aria-label="Rotate ${row.name}">Rotate</button>
      <button class="tiny danger" onClick=${() => onDo({way: "revoke", key: row})} aria-label="Revoke ${row.name}">Revoke</button></span>`},
  ];
  return html`<div class="fold-rows keys-list"><${Table} label="API keys" columns=${columns} rows=${items} rowClass=${row => (stateOf(row) === "valid" ? "" : "over")}/></div>
    <${Pager} total=${total} limit=${LIMIT}/>`;
}

function Rotate({apiKey, onMade, onClose}) {
  const submit = async event => {
    const form = new FormData(event.target), days = form.get("days");
    onMade(await post(`keys/${apiKey.id}/rotate`, {overlap_hours: Number(form.get("overlap")), expires_in_days: days ? Number(days) : null}));
  };
  return html`<${Dialog} title=${`Rotate “${apiKey.name}”`} action="Make the new key" onSubmit=${submit} onClose=${onClose}>
    <p class="soft">A new key that allows the same. Give it to the program before the old one ends.</p>
    <div class="field-row"><label class="field">The old one stays valid for, in hours<input name="overlap" type="number" min="0" max="720" step="any" value="24" required/></label>
      <label class="field">The new one is valid for, in days<input name="days" type="number" min="0.01" max="3660" step="any" value="90" placeholder="no end"/></label></div><//>`;
}

function Revoke({apiKey, onDone, onClose}) {
  const isOwn = apiKey.id === me.value.key_id;
  const submit = async () => { await post(`keys/${apiKey.id}/revoke`); tell(`“${apiKey.name}” is revoked`); onDone(); };
  return html`<${Dialog} title=${`Revoke “${apiKey.name}”?`} action="Revoke the key" danger onSubmit=${submit} onClose=${onClose}>
    <p>Every process refuses <code>${apiKey.prefix}</code> within five seconds. Its streams and sessions end; executions that it has started continue. This cannot be undone.</p>
    ${isOwn && html`<p class="problem">It is the key with which you are signed in: you will be signed out.</p>`}<//>`;
}
