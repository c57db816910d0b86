// Cancelling or retrying many executions. What is done is a list of ids that was shown before: never a filter, which could
// match others by the time it is used.
import {html, useRef, useState} from "../../lib/html.js";
import {get, post} from "../../lib/api.js";
import {may} from "../../lib/session.js";
import {Dialog} from "../../parts/dialog.js";
import {ProblemBox} from "../../parts/problem.js";
import {Status} from "../../parts/status.js";
import {ACTIVE} from "./filters.js";

const AT_ONCE = 4, MOST = 1000, PAGE = 200, SHOWN = 8;

export const ACTIONS = {
  cancel: {word: "Cancel", done: "cancelled", scope: "executions:control", can: row => ACTIVE.includes(row.status), danger: true},
  retry: {word: "Retry", done: "retried", scope: "executions:start", can: row => (row.status === "failed" || row.status === "cancelled") && !row.retried_by, danger: false},
};

/** All executions that match the filter now, at most `MOST`. */
export async function allMatching(params) {
  const rows = [];
  for (let cursor; rows.length < MOST;) {
    const page = await get("executions", {...params, limit: PAGE, cursor});
    rows.push(...page.items);
    if (!page.next_cursor) return {rows, isAll: true};
    cursor = page.next_cursor;
  }
  return {rows: rows.slice(0, MOST), isAll: false};
}

export function BulkBar({selected, onAct, onClear}) {
  return html`<div class="bulk" role="group" aria-label="Selected executions"><strong>${selected.length} selected</strong>
    ${Object.entries(ACTIONS).filter(([, action]) => may(action.scope)).map(([name, action]) => html`<button key=${name} type="button" class=${action.danger ? "danger" : ""}
      disabled=${!selected.some(action.can)} onClick=${() => onAct(name)}>${action.word} …</button>`)}
    <button type="button" class="bare" onClick=${onClear}>Clear</button></div>`;
}

/** First what would be done, then what was done. */
export function BulkDialog({name, rows, isAll = true, onClose, onDone}) {
  const action = ACTIONS[name], able = rows.filter(action.can);
  const [progress, setProgress] = useState(null), stopped = useRef(false);
  const run = async () => {
    const results = [];
    setProgress({results, isOver: false});
    const waiting = able.map(row => row.id);
    const work = async () => {
      for (let id; !stopped.current && (id = waiting.shift());) {
        results.push(await once(name, id));
        setProgress({results, isOver: false});
      }
    };
    await Promise.all(Array.from({length: AT_ONCE}, work));
    setProgress({results, isOver: true});
    onDone();
  };
  if (progress) return html`<${Results} action=${action} total=${able.length} progress=${progress} onStop=${() => { stopped.current = true; }} onClose=${onClose}/>`;
  const start = () => { run(); return new Promise(() => {}); };
  return html`<${Dialog} title="${action.word} ${able.length} ${able.length === 1 ? "execution" : "executions"}?" action="${action.word} ${able.length}" danger=${action.danger} disabled=${!able.length} onSubmit=${start} onClose=${onClose}>
    <p>${able.length === rows.length ? `All ${rows.length} are` : `${able.length} of ${rows.length} are`} in a state in which they can be ${action.done}.${!isAll && ` The filter matches more; these are the newest ${rows.length}.`}</p>
    <ul class="ids">${able.slice(0, SHOWN).map(row => html`<li key=${row.id}><${Status} status=${row.status}/> <span class="cut">${row.workflow_name}</span> <code>${row.id}</code></li>`)}
      ${able.length > SHOWN && html`<li class="faint">and ${able.length - SHOWN} more</li>`}</ul>
    <p class="soft">Exactly these are ${action.done}, by their ids.</p><//>`;
}

async function once(name, id) {
  try {
    await post(`executions/${id}/${name}`, name === "cancel" ? {reason: "cancelled in the dashboard"} : {});
    return {id, problem: null};
  } catch (problem) {
    if (!("status" in problem)) throw problem;
    return {id, problem};
  }
}

function Results({action, total, progress, onStop, onClose}) {
  const refused = progress.results.filter(result => result.problem), done = progress.results.length - refused.length;
  return html`<${Dialog} title="${done} of ${total} ${action.done}" action=${progress.isOver ? null : "Stop"} onSubmit=${async () => onStop()} onClose=${progress.isOver ? onClose : () => {}}>
    <p role="status">${progress.isOver ? "Done." : "Working …"} ${refused.length > 0 && `${refused.length} refused:`}</p>
    ${refused.slice(0, SHOWN).map(({id, problem}) => html`<div key=${id}><code>${id}</code><${ProblemBox} problem=${problem}/></div>`)}<//>`;
}
