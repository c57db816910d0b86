// Entries of the audit log: their words, and where their targets are.
import {html} from "../lib/html.js";
import {href} from "../lib/router.js";
import {machines, workflows} from "../lib/names.js";

export const ACTIONS = [
  "workflow.create", "workflow.change", "workflow.delete", "workflow.restore", "task.create", "task.change", "task.delete",
  "schedule.create", "schedule.change", "schedule.pause", "schedule.resume", "schedule.delete",
  "machine.create", "machine.change", "machine.delete", "machine.restore", "machine.migrate",
  "execution.cancel", "execution.pause", "execution.resume", "execution.skip", "execution.signal", "execution.retry", "execution.rerun",
  "key.create", "key.bootstrap", "key.rotate", "key.revoke",
  "session.begin", "session.end", "suggestion.create", "suggestion.approve", "suggestion.reject", "suggestion.undo", "tenant.create", "tenant.change",
];

const PLACES = {
  workflow: id => `/workflows/${id}`, schedule: id => `/schedules/${id}`, machine: id => `/machines/${id}`,
  execution: id => `/executions/${id}`, suggestion: id => `/suggestions/${id}`, key: () => "/keys", tenant: () => "/tenants",
};

const NAMES = {workflow: workflows, machine: machines};

/** `workflow:7` as a link, with its key. */
export function Target({target}) {
  const at = target.indexOf(":"), kind = target.slice(0, at), id = target.slice(at + 1), place = PLACES[kind], known = NAMES[kind]?.of(Number(id));
  const text = html`<span class="faint">${kind} </span>${known?.key || (id.length > 30 ? id.slice(-12) : id)}`;
  return place ? html`<a href=${href(place(id))} title=${target}>${text}</a>` : html`<span title=${target}>${text}</span>`;
}

/** Fields that change with every change say nothing. */
const NOISE = new Set(["updated_at", "revision"]);
const MOST = 3;

/** What an entry is about, in a line: the fields that differ, or the reason. */
export function summary({before, after}) {
  if (after && after.sha256) return `${after.bytes.toLocaleString()} bytes`;
  if (!before || !after) return reason(after);
  const paths = [...changed(before, after, "")];
  return paths.slice(0, MOST).join(", ") + (paths.length > MOST ? ` and ${paths.length - MOST} more` : "");
}

function reason(after) {
  if (!after || typeof after !== "object") return "";
  const value = after.reason ?? after.task ?? after.name ?? after.execution_id;
  return typeof value === "string" ? value : "";
}

function* changed(before, after, path) {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  const nested = [before, after].every(value => value && typeof value === "object") && Array.isArray(before) === Array.isArray(after);
  if (!nested || path.split(".").length > 3) { yield path; return; }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    if (NOISE.has(name)) continue;
    const label = Array.isArray(after) ? `${path}.${after[name]?.name ?? before[name]?.name ?? name}` : path ? `${path}.${name}` : name;
    yield* changed(before[name], after[name], label);
  }
}
