// Make a schedule, or change one.
import {html, useMemo, useState} from "../../lib/html.js";
import {change, post} from "../../lib/api.js";
import {useResource} from "../../lib/resource.js";
import {clock} from "../../lib/time.js";
import {Dialog} from "../../parts/dialog.js";
import {SchemaForm} from "../../parts/schema-form.js";
import {tell} from "../../parts/toast.js";

const OVERLAPS = [["skip", "drop the new start"], ["queue", "start when the previous one has ended"], ["cancel_previous", "cancel the previous one"]];
const HOUR = 3600, SECONDS_FIELDS = 6;

const homeZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
const zones = () => (Intl.supportedValuesOf ? ["UTC", ...Intl.supportedValuesOf("timeZone")] : ["UTC"]);

/** What `datetime-local` shows for an instant, in local time. */
function localText(instant) {
  const date = instant ? new Date(instant) : new Date(Date.now() + HOUR * 1000);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function initial(schedule, workflow, workflowRef) {
  return {
    workflow: schedule ? String(schedule.workflow_id) : workflow ? workflow.key || String(workflow.id) : workflowRef || "",
    key: schedule?.key || "", kind: schedule?.at ? "at" : "cron", cron: schedule?.cron || "", time_zone: schedule?.time_zone || homeZone(),
    at: localText(schedule?.at), overlap: schedule?.overlap || "skip", catch_up_seconds: String(schedule?.catch_up_seconds ?? HOUR),
    allow_every_second: schedule?.allow_every_second || false,
  };
}

/** What is sent. A changed schedule names the `updated_at` it was read with, so that no other change is lost. */
function bodyOf(form, input, schedule) {
  const timing = form.kind === "cron" ? {cron: form.cron.trim(), time_zone: form.time_zone.trim() || "UTC", allow_every_second: form.allow_every_second} : {at: new Date(form.at).toISOString()};
  const changed = schedule ? {id: schedule.id, updated_at: schedule.updated_at} : {workflow: form.workflow.trim()};
  return {...changed, ...timing, key: form.key.trim() || null, input, overlap: form.overlap, catch_up_seconds: Number(form.catch_up_seconds)};
}

export function ScheduleForm({schedule, workflow, workflowRef, workflows, onClose, onDone}) {
  const [form, setForm] = useState(() => initial(schedule, workflow, workflowRef)), [input, setInput] = useState({value: schedule?.input || {}, isValid: true});
  const set = name => event => { const {type, checked, value} = event.currentTarget; setForm(was => ({...was, [name]: type === "checkbox" ? checked : value})); };
  const started = workflow || workflows.find(one => [String(one.id), one.key].includes(form.workflow.trim()));
  const full = useResource(started ? `workflows/${started.id}` : null);
  const save = async () => {
    const body = bodyOf(form, input.value, schedule);
    const saved = schedule ? await change("PUT", `schedules/${schedule.id}`, body) : await post("schedules", body);
    tell(saved.next_fire_at ? `It starts next at ${clock(saved.next_fire_at)}` : "Saved");
    onDone();
  };
  const everySecond = form.kind === "cron" && form.cron.trim().split(/\s+/).length === SECONDS_FIELDS && form.cron.trim().startsWith("*");
  return html`<${Dialog} title=${schedule ? `Edit ${schedule.key || `schedule ${schedule.id}`}` : "New schedule"} action=${schedule ? "Save" : "Create schedule"} wide disabled=${!input.isValid} onSubmit=${save} onClose=${onClose}>
    <div class="form-grid">
      ${schedule || workflow ? html`<div class="field"><span>Workflow</span><strong>${started?.name || form.workflow}</strong></div>`
      : html`<label class="field">Workflow<input required list="workflows-to-schedule" value=${form.workflow} onInput=${set("workflow")} placeholder="key or id" autocomplete="off"/><${Choices} id="workflows-to-schedule" of=${workflows}/></label>`}
      <label class="field">Key<input value=${form.key} onInput=${set("key")} placeholder="optional, as nightly" autocomplete="off"/></label></div>
    <fieldset class="row kinds"><legend>When</legend>
      <label class="row"><input type="radio" name="kind" value="cron" checked=${form.kind === "cron"} onChange=${set("kind")}/> again and again</label>
      <label class="row"><input type="radio" name="kind" value="at" checked=${form.kind === "at"} onChange=${set("kind")}/> once</label></fieldset>
    ${form.kind === "cron" ? html`<div class="form-grid"><label class="field">Cron<input required class="mono" value=${form.cron} onInput=${set("cron")} placeholder="0 7 * * MON-FRI" autocomplete="off" spellcheck="false"/>
        <span class="about">minute, hour, day of month, month, day of week; with six fields, seconds come first</span></label>
      <${Zone} value=${form.time_zone} onInput=${set("time_zone")}/></div>
      ${everySecond && html`<label class="row"><input type="checkbox" checked=${form.allow_every_second} onChange=${set("allow_every_second")}/> every second is meant</label>`}`
    : html`<label class="field">At, in local time<input type="datetime-local" required value=${form.at} onInput=${set("at")}/></label>`}
    <div class="form-grid"><label class="field">If the previous execution still runs<select value=${form.overlap} onChange=${set("overlap")}>${OVERLAPS.map(([name, words]) => html`<option key=${name} value=${name}>${words}</option>`)}</select></label>
      <label class="field">Make up a missed start for up to, in seconds<input type="number" min="10" max="31622400" required value=${form.catch_up_seconds} onInput=${set("catch_up_seconds")}/></label></div>
    <${SchemaForm} key=${full.data ? full.data.id : "none"} schema=${full.data?.input_schema} initial=${input.value || {}} onChange=${setInput} label="Input of each execution"/><//>`;
}

const Choices = ({id, of}) => html`<datalist id=${id}>${of.map(one => html`<option key=${one.id} value=${one.key || one.id}>${one.name}</option>`)}</datalist>`;

function Zone({value, onInput}) {
  const names = useMemo(zones, []);
  return html`<label class="field">Time zone<input required list="time-zones" value=${value} onInput=${onInput} autocomplete="off"/><datalist id="time-zones">${names.map(name => html`<option key=${name} value=${name}/>`)}</datalist></label>`;
}
