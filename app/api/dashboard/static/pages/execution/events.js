// The history. Only the events that can be seen are read and drawn, however long it is; a filter reads all of them.
import {html, useEffect, useMemo, useRef, useState} from "../../lib/html.js";
import {Problem, api, get} from "../../lib/api.js";
import {query, setQuery} from "../../lib/router.js";
import {clock, utc} from "../../lib/time.js";
import {oncePerFrame} from "../../lib/frames.js";
import {VirtualList} from "../../parts/virtual.js";
import {Copy} from "../../parts/copy.js";
import {Dialog} from "../../parts/dialog.js";
import {Json} from "../../parts/json.js";
import {ProblemBox} from "../../parts/problem.js";
import {isFinal} from "../../lib/fold.js";

const ROW = 26, CHUNK = 500, PAGE = 1000;

/** Events by their number, read when they are asked for. */
class History {
  constructor(id, changed) {
    this.id = id;
    this.events = new Map();
    this.asked = new Set();
    this.changed = oncePerFrame(changed);
    this.problem = null;
  }

  add(events) {
    for (const event of events) this.events.set(event.sequence, event);
    this.changed();
  }

  /** The event, or null while it is read. */
  at(number) {
    const found = this.events.get(number);
    if (!found) this.want(Math.floor((number - 1) / CHUNK));
    return found || null;
  }

  async want(chunk) {
    if (this.asked.has(chunk)) return;
    this.asked.add(chunk);
    try {
      this.add((await get(`executions/${this.id}/events`, {after: chunk * CHUNK, limit: CHUNK})).items);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.problem = problem;
      this.changed();
    } finally {
      setTimeout(() => this.asked.delete(chunk), 500);
    }
  }

  /** Read everything up to `last`, for a filter. */
  async all(last, isWanted) {
    for (let after = 0; after < last && isWanted(); after += PAGE) {
      let missing = false;
      for (let number = after + 1; number <= Math.min(last, after + PAGE); number += 1) missing ||= !this.events.has(number);
      if (missing) this.add((await get(`executions/${this.id}/events`, {after, limit: PAGE})).items);
    }
  }
}

export function Events({fold, listen}) {
  const {execution} = fold, [, setVersion] = useState(0), [open, setOpen] = useState(null);
  const text = query.value.get("events") || "", setText = events => setQuery({events}, {replace: true});
  const history = useMemo(() => new History(execution.id, () => setVersion(version => version + 1)), [execution.id]);
  useEffect(() => listen(event => history.add([event])), [history]);
  const wanted = text.trim().toLowerCase();
  useEffect(() => {
    let isWanted = Boolean(wanted);
    if (isWanted) history.all(fold.last, () => isWanted).catch(problem => { history.problem = problem; history.changed(); });
    return () => { isWanted = false; };
  }, [Boolean(wanted), history]);
  const numbers = wanted ? matching(history, fold.last, wanted) : {length: fold.last, slice: (from, to) => range(from + 1, Math.min(to, fold.last))};
  const row = number => html`<${Row} event=${history.at(number)} number=${number} onOpen=${setOpen}/>`;
  return html`<div class="events">
    <div class="events-head"><input type="search" aria-label="Filter events" placeholder="Filter: type, task or text" value=${text} onInput=${event => setText(event.currentTarget.value)}/>
      <span class="faint" role="status">${wanted ? `${numbers.length} of ${fold.last}${history.events.size < fold.last ? `, ${history.events.size} read` : ""}` : `${fold.last} ${fold.last === 1 ? "event" : "events"}`}</span><span class="grow"></span>
      <${Copy} bare=${false} label="Copy as curl" text=${() => curl(execution)}/><${Copy} bare=${false} label="Copy as grpcurl" text=${() => grpcurl(execution)}/></div>
    <${ProblemBox} problem=${history.problem}/>
    <${VirtualList} items=${numbers} height=${ROW} row=${row} most=${520} follow=${!wanted && !isFinal(execution.status)} label="Events"/>
    ${open && html`<${Dialog} title="Event ${open.sequence}: ${open.type}" wide onClose=${() => setOpen(null)} onSubmit=${() => {}}><p class="soft">${utc(open.occurred_at)}</p><${Json} value=${open} depth=${4}/>
      <div class="row"><${Copy} bare=${false} text=${JSON.stringify(open, null, 2)} what="Copy the event"/></div><//>`}</div>`;
}

const range = (from, to) => Array.from({length: Math.max(0, to - from + 1)}, (_, index) => from + index);

function matching(history, last, wanted) {
  const found = [];
  for (let number = 1; number <= last; number += 1) {
    const event = history.events.get(number);
    if (event && (event.type.includes(wanted) || event.message?.toLowerCase().includes(wanted) || event.task_name?.toLowerCase().includes(wanted))) found.push(number);
  }
  return found;
}

function Row({event, number, onOpen}) {
  if (!event) return html`<div class="erow faint"><span class="num">${number}</span><span>…</span></div>`;
  return html`<button type="button" class="erow" onClick=${() => onOpen(event)}><span class="num faint">${number}</span><time datetime=${event.occurred_at} title=${utc(event.occurred_at)}>${clock(event.occurred_at, {withMillis: true, withDate: "never"})}</time>
    <span class=${`etype st-${event.task_status || event.status}`}>${event.type}</span><span class="cut">${event.message}</span></button>`;
}

const curl = ({id}) => `curl -N -H 'Accept: text/event-stream' '${new URL(`executions/${id}/events?after=0`, api).href}'`;
const grpcurl = ({id}) => `grpcurl -plaintext -d '{"execution_id": "${id}", "after_sequence": 0}' ${location.hostname}:50051 workflow.WorkflowService/WatchExecution`;
