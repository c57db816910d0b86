// One event of the feed as a row: of an execution or of an entity.
import {html, cls} from "../lib/html.js";
import {href} from "../lib/router.js";
import {machines, workflows} from "../lib/names.js";
import {Sign} from "./status.js";
import {Id} from "./copy.js";
import {Time} from "./time.js";

const STATUS_OF = {
  execution_created: "pending", execution_started: "running", execution_paused: "paused", execution_resumed: "running",
  cancel_requested: "cancelled", execution_failing: "failed", signal_received: "running",
  execution_completed: "completed", execution_failed: "failed", execution_cancelled: "cancelled",
  task_started: "running", task_progressed: "running", task_item_completed: "running", task_retrying: "retrying",
  task_completed: "completed", task_failed: "failed", task_cancelled: "cancelled", task_skipped: "skipped", task_reused: "completed",
  entity_started: "running", transitioned: "completed", data_changed: "running", timer_set: "pending", timer_blocked: "paused",
  migrated: "completed", workflow_started: "running",
};

export const EVENT_TYPES = Object.keys(STATUS_OF);
export const words = type => type.replaceAll("_", " ");
const placeOf = event => (event.entity_id ? `/entities/${event.entity_id}` : `/executions/${event.execution_id}`);
const subject = event => (event.entity_id ? machines.text(event.machine_id) : workflows.text(event.workflow_id));

export function EventRow({event, onShow}) {
  const status = STATUS_OF[event.type] || "pending";
  return html`<div class=${cls("event", `st-${status}-line`)}>
    <span class="e-time mono faint"><${Time} at=${event.occurred_at} millis/></span>
    <span class="e-type st st-${status}"><${Sign} status=${status}/><span class="cut">${words(event.type)}</span></span>
    <span class="e-of cut">${subject(event)}</span>
    <span class="e-task cut soft">${event.task_name || event.to_state || ""}</span>
    <span class="e-message cut" title=${event.message}>${event.message}</span>
    <a class="e-link row-link" href=${href(placeOf(event), event.task_id ? {task: event.task_id} : {})}
      aria-label="${words(event.type)}, ${subject(event)} ${event.task_name || ""}: open the ${event.entity_id ? "entity" : "execution"}"><${Id} id=${event.entity_id || event.execution_id}/></a>
    <button type="button" class="e-more bare tiny" onClick=${() => onShow(event)} aria-label="The whole event ${event.position}">JSON</button></div>`;
}
