// Tenants: their limits, and whether their callers are refused.
import {html, useState} from "../lib/html.js";
import {change, post} from "../lib/api.js";
import {useResource} from "../lib/resource.js";
import {me} from "../lib/session.js";
import {Copy} from "../parts/copy.js";
import {Dialog} from "../parts/dialog.js";
import {Loaded} from "../parts/problem.js";
import {Status} from "../parts/status.js";
import {Table} from "../parts/table.js";
import {Time} from "../parts/time.js";
import {tell} from "../parts/toast.js";

const LIMIT = 200;
const LIMITS = [["max_running", "Running at once"], ["starts_per_second", "Starts per second"], ["max_definitions", "Workflows"]];
const limit = name => row => (row[name] === null ? html`<span class="faint">no limit</span>` : row[name].toLocaleString());

export function Page() {
  const list = useResource("tenants", {limit: LIMIT}), [doing, setDoing] = useState(null);
  const props = {tenant: doing?.tenant, onClose: () => setDoing(null), onDone: list.reload};
  return html`<div class="page-head"><h1>Tenants</h1><div class="end"><button class="primary" onClick=${() => setDoing({way: "new"})}>New tenant</button></div></div>
    <${Loaded} of=${list}>${({items, total}) => html`<${Tenants} items=${items} onDo=${setDoing} onDone=${list.reload}/>${total > items.length && html`<p class="faint">The first ${items.length} of ${total}.</p>`}`}<//>
    ${doing?.way === "new" && html`<${NewTenant} ...${props}/>`}${doing?.way === "limits" && html`<${Limits} ...${props}/>`}${doing?.way === "suspend" && html`<${Suspend} ...${props}/>`}`;
}

function Tenants({items, onDo, onDone}) {
  const resume = async tenant => {
    try { await change("PATCH", `tenants/${tenant.key}`, {suspended: false}); tell(`${tenant.key} is served again`); onDone(); } catch (problem) { tell(problem.detail, "bad"); }
  };
  const columns = [
    {key: "state", title: "State", cell: row => html`<${Status} status=${row.suspended_at ? "paused" : "completed"} word=${row.suspended_at ? "suspended" : "active"}/>`},
    {key: "name", title: "Tenant", cell: row => html`<strong class="mono">${row.key}</strong> ${row.name !== row.key && html`<span class="soft">${row.name}</span>`}${row.key === me.value.tenant && html` <span class="tag">yours</span>`}`},
    ...LIMITS.map(([name, title]) => ({key: name, title, num: true, cell: row => html`<span class="label">${title}: </span>${limit(name)(row)}`})),
    {key: "made", title: "Made", cell: row => html`<${Time} at=${row.created_at}/>`},
    {key: "do", title: "", cell: row => html`<span class="row"><button class="tiny" onClick=${() => onDo({way: "limits", tenant: row})} aria-label="Limits of ${row.key}">Limits</button>
      ${row.suspended_at ? html`<button class="tiny" onClick=${() => resume(row)} aria-label="Resume ${row.key}">Resume</button>`
        : html`<button class="tiny danger" onClick=${() => onDo({way: "suspend", tenant: row})} aria-label="Suspend ${row.key}">Suspend</button>`}</span>`},
  ];
  return html`<div class="fold-rows tenants-list"><${Table} label="Tenants" columns=${columns} rows=${items}/></div>`;
}

function NewTenant({onClose, onDone}) {
  const submit = async event => {
    const form = new FormData(event.target), key = form.get("key").trim();
    await post("tenants", {key, name: form.get("name").trim() || key});
    tell(`${key} is made. Its first key: workflow auth bootstrap --tenant ${key}`);
    onDone();
  };
  const [key, setKey] = useState(""), command = `workflow auth bootstrap --tenant ${key || "KEY"}`;
  return html`<${Dialog} title="New tenant" action="Make the tenant" onSubmit=${submit} onClose=${onClose}>
    <div class="field-row"><label class="field">Key<input name="key" required autofocus spellcheck=${false} autocomplete="off" placeholder="sales" onInput=${event => setKey(event.currentTarget.value.trim())}/></label>
      <label class="field">Name<input name="name" maxlength="200" placeholder="Sales"/></label></div>
    <p class="soft">Its first key is made where the database is:</p><div class="row"><code class="grow">${command}</code><${Copy} text=${command} what="Copy the command"/></div><//>`;
}

function Limits({tenant, onClose, onDone}) {
  const submit = async event => {
    const form = new FormData(event.target);
    await change("PATCH", `tenants/${tenant.key}`, Object.fromEntries(LIMITS.map(([name]) => [name, form.get(name) ? Number(form.get(name)) : null])));
    tell(`The limits of ${tenant.key} are changed`);
    onDone();
  };
  return html`<${Dialog} title=${`Limits of ${tenant.key}`} action="Change the limits" onSubmit=${submit} onClose=${onClose}>
    <p class="soft">An empty box is no limit. All processes notice within five seconds. Executions over the limit wait; none is lost.</p>
    <div class="field-row">${LIMITS.map(([name, title]) => html`<label key=${name} class="field">${title}<input name=${name} type="number" min="1" step="1" value=${tenant[name] ?? ""} placeholder="no limit"/></label>`)}</div><//>`;
}

function Suspend({tenant, onClose, onDone}) {
  const submit = async () => { await change("PATCH", `tenants/${tenant.key}`, {suspended: true}); tell(`${tenant.key} is suspended`); onDone(); };
  const isOwn = tenant.key === me.value.tenant;
  return html`<${Dialog} title=${`Suspend ${tenant.key}?`} action="Suspend the tenant" danger onSubmit=${submit} onClose=${onClose}>
    <p>All its callers are refused within five seconds, until it is resumed.</p>
    ${isOwn && html`<p class="problem">It is your own tenant: you will be refused, too.</p>`}<//>`;
}
