// When each task ran: a row per task, a bar per attempt. Time in which nothing ran can be taken out.
import {html, cls, useMemo, useState} from "../../lib/html.js";
import {between, clock, duration, now} from "../../lib/time.js";
import {VirtualList} from "../../parts/virtual.js";
import {Sign} from "../../parts/status.js";

const ROW = 28, VIRTUAL_FROM = 200, TICKS = 4, IDLE_PART = 0.04, KEPT_PART = 0.015;

export function Timeline({fold, version, selected, onSelect}) {
  const [isTight, setTight] = useState(false);
  const isOver = Boolean(fold.execution.finished_at), end = isOver ? Date.parse(fold.execution.finished_at) : now.value;
  const rows = useMemo(() => rowsOf(fold), [fold, version]);
  const scale = useMemo(() => scaleOf(fold, rows, end, isTight), [fold, version, end, isTight]);
  const row = item => html`<${Row} item=${item} scale=${scale} isSelected=${item.task.task_id === selected} onPress=${() => onSelect(item.task.task_id)}/>`;
  if (!rows.length) return html`<p class="empty">No task has started.</p>`;
  return html`<div class="timeline">
    <div class="timeline-head"><span></span><div class="ticks" aria-hidden="true">${scale.ticks.map(({at, text}) => html`<span key=${text} style=${{left: `${at}%`}}>${text}</span>`)}</div>
      ${scale.hasIdle && html`<button type="button" class="bare tiny" aria-pressed=${isTight} onClick=${() => setTight(!isTight)}>${isTight ? "Show idle time" : "Hide idle time"}</button>`}</div>
    ${rows.length > VIRTUAL_FROM ? html`<${VirtualList} items=${rows} height=${ROW} row=${row} label="Tasks by time"/>`
      : html`<div role="list" aria-label="Tasks by time">${rows.map(item => html`<div role="listitem" key=${item.task.task_id}>${row(item)}</div>`)}</div>`}</div>`;
}

/** Tasks in the order in which they began; those that have not begun come last. */
function rowsOf(fold) {
  const rows = [...fold.tasks.values()].map(task => ({task, start: task.attempts[0]?.started_at || task.started_at || task.finished_at}));
  const begun = rows.filter(row => row.start).sort((one, other) => Date.parse(one.start) - Date.parse(other.start));
  return [...begun, ...rows.filter(row => !row.start)];
}

function spansOf(task, end) {
  return task.attempts.map(attempt => ({
    from: Date.parse(attempt.started_at), to: attempt.finished_at ? Date.parse(attempt.finished_at) : end, status: attempt.status,
    waits: attempt.finished_at === null && Boolean(task.waits_for), number: attempt.number, attempt,
  }));
}

/** Percent of the width for an instant. With idle time taken out, time in which nothing runs shrinks to a sliver. */
function scaleOf(fold, rows, end, isTight) {
  const start = Date.parse(fold.execution.started_at || fold.execution.created_at), total = Math.max(1, end - start);
  const idle = gaps(rows.flatMap(({task}) => spansOf(task, end)), start, end).filter(gap => gap.to - gap.from > total * IDLE_PART);
  const taken = isTight ? idle.reduce((sum, gap) => sum + (gap.to - gap.from) - total * KEPT_PART, 0) : 0, width = Math.max(1, total - taken);
  const at = instant => {
    let skipped = 0;
    if (isTight) for (const gap of idle) if (instant > gap.from) skipped += (Math.min(instant, gap.to) - gap.from) * (1 - total * KEPT_PART / (gap.to - gap.from));
    return Math.max(0, Math.min(100, (instant - start - skipped) / width * 100));
  };
  const ticks = Array.from({length: TICKS + 1}, (_, index) => ({at: index / TICKS * 100, text: isTight ? "" : duration(total * index / TICKS / 1000)})).filter(tick => tick.text);
  return {at, ticks, end, hasIdle: idle.length > 0};
}

/** Where no span is. */
function gaps(spans, start, end) {
  const found = [];
  let covered = start;
  for (const span of spans.sort((one, other) => one.from - other.from)) {
    if (span.from > covered) found.push({from: covered, to: span.from});
    covered = Math.max(covered, span.to);
  }
  if (covered < end) found.push({from: covered, to: end});
  return found;
}

function Row({item: {task}, scale, isSelected, onPress}) {
  const spans = spansOf(task, scale.end), last = spans.at(-1);
  const waited = last && waitedUntil(task, last, scale.end);
  const took = task.started_at ? duration(between(task.started_at, task.finished_at || (task.status === "pending" ? task.started_at : null))) : "";
  return html`<button type="button" class=${cls("trow", isSelected && "selected")} aria-pressed=${isSelected} onClick=${onPress}
    aria-label="${task.name}, ${task.status}${took && `, ${took}`}${task.attempts.length > 1 ? `, ${task.attempts.length} attempts` : ""}">
    <span class="trow-name"><span class=${`st st-${task.status}`}><${Sign} status=${task.status}/></span><span class="cut">${task.name}</span>${task.elements && html`<span class="faint nowrap">${task.elements.done}/${task.elements.total ?? "?"}</span>`}</span>
    <span class="bars">${spans.map((span, index) => html`${index > 0 && html`<i key=${`w${span.number}`} class="tbar pause" style=${place(scale, spans[index - 1].to, span.from)}></i>`}
      <i key=${span.number} class=${cls("tbar", `tone-${span.status}`, span.waits && "waits")} style=${place(scale, span.from, span.to)} title=${`attempt ${span.number}: ${span.status}, ${clock(span.attempt.started_at, {withMillis: true})}, ${duration((span.to - span.from) / 1000)}`}></i>`)}
      ${waited && html`<i class="tbar pause" style=${place(scale, last.to, waited)}></i>`}
      ${!spans.length && task.started_at && html`<i class=${`tbar tone-${task.status}`} style=${place(scale, Date.parse(task.started_at), Date.parse(task.finished_at || task.started_at))}></i>`}</span>
    <span class="num soft">${took || (task.status === "pending" ? "" : task.status)}</span></button>`;
}

/** When the wait for another attempt ended that never began: now, or when the task was cancelled; null without one. */
function waitedUntil(task, last, end) {
  if (task.status === "retrying") return end;
  return task.status === "cancelled" && last.status === "failed" && task.finished_at ? Date.parse(task.finished_at) : null;
}

function place(scale, from, to) {
  const left = scale.at(from);
  return {left: `min(${left}%, 100% - 3px)`, width: `max(3px, ${scale.at(to) - left}%)`};
}
