// The state of one execution, from `GET /executions/{id}/view` and every event after it. Each event changes only what it
// is about, so an event costs the same however long the history is.

const FINAL = new Set(["completed", "failed", "cancelled", "skipped"]);
export const isFinal = status => FINAL.has(status);
const ELEMENT = /Element (\d+) of (\d+) /;
const CHILD = /(?:as|execution) ([0-9a-f]{8}-[0-9a-f-]{27})$/;

export class Fold {
  constructor(view) {
    this.execution = {...view.execution};
    this.workflow = view.workflow;
    this.progress = {...view.progress};
    this.retriedBy = view.retried_by;
    this.last = view.last_sequence;
    this.tasks = new Map(view.tasks.map(task => [task.task_id, {...task, attempts: [...task.attempts]}]));
  }

  /**
   * Apply the next event. Returns "applied"; "known" for one that was applied before; "gap" if one is missing before it:
   * then nothing changes, and the view must be read again.
   */
  apply(event) {
    if (event.sequence <= this.last) return "known";
    if (event.sequence !== this.last + 1) return "gap";
    this.last = event.sequence;
    this.execution.status = event.status;
    this.progress.percent = event.progress_percent;
    if (event.task_id === null) this.#ofExecution(event);
    else this.#ofTask(event);
    return "applied";
  }

  #ofExecution(event) {
    const execution = this.execution;
    if (event.type === "execution_started") execution.started_at ??= event.occurred_at;
    if (!isFinal(event.status)) return;
    execution.finished_at = event.occurred_at;
    execution.error = event.error;
    if (event.type === "execution_completed") execution.output = event.output;
  }

  #ofTask(event) {
    const task = this.tasks.get(event.task_id);
    if (!task) return;
    const was = task.status;
    task.status = event.task_status;
    task.message = event.message;
    task.waits_for = event.waits_for;
    if (event.attempt) task.attempt = event.attempt;
    if (event.type === "task_started") started(task, event);
    else if (event.type === "task_progressed") progressed(task, event);
    else if (event.type === "task_item_completed") itemCompleted(task, event);
    else ended(task, event);
    if (isFinal(task.status) && !isFinal(was) && this.progress.done !== null) this.#count(task);
  }

  #count(task) {
    if (task.status === "completed" || task.status === "skipped") this.progress.done = Math.min(this.progress.total, this.progress.done + 1);
  }
}

function started(task, event) {
  task.started_at ??= event.occurred_at;
  task.finished_at = null;
  task.error = null;
  task.progress = null;
  if (task.attempts.at(-1)?.number === event.attempt) return;
  task.attempt_count = (task.attempt_count || task.attempts.length) + 1;
  task.attempts.push({
    number: event.attempt, status: "running", started_at: event.occurred_at, finished_at: null, error: null,
    output_text: null, output_bytes: 0, child_execution_id: null,
  });
}

function progressed(task, event) {
  task.progress = {percent: task.progress?.percent ?? null, message: event.message};
  const child = CHILD.exec(event.message || "");
  if (!child) return;
  task.child_execution_id = child[1];
  const attempt = task.attempts.at(-1);
  if (attempt) attempt.child_execution_id = child[1];
}

function itemCompleted(task, event) {
  const [, , total] = ELEMENT.exec(event.message || "") || [];
  const elements = task.elements || {done: 0, failed: 0, total: null};
  task.elements = {...elements, done: elements.done + 1, total: total ? Number(total) : elements.total};
}

function ended(task, event) {
  task.error = event.error;
  const attempt = task.attempts.at(-1);
  const status = event.type === "task_retrying" ? "failed" : event.task_status;
  if (attempt && attempt.number === event.attempt && attempt.finished_at === null) {
    Object.assign(attempt, {status, finished_at: event.occurred_at, error: event.error, ...outputOf(event)});
  }
  if (!isFinal(event.task_status)) return;
  task.finished_at = event.occurred_at;
  Object.assign(task, outputOf(event));
}

const SHOWN = 1000;

function outputOf(event) {
  if (event.type !== "task_completed" && event.type !== "task_reused") return {};
  if (event.output === null || event.output === undefined) return {output_text: null, output_bytes: 0};
  const text = JSON.stringify(event.output);
  return {output_text: text.slice(0, SHOWN), output_bytes: new Blob([text]).size};
}
