// All executions, newest first. Rows change in place and never move; what is new waits at the top until it is asked for.
import {html, useCallback, useEffect, useMemo, useRef, useState} from "../lib/html.js";
import {href, query, setQuery} from "../lib/router.js";
import {get} from "../lib/api.js";
import {follow} from "../lib/live.js";
import {atMostEvery, oncePerFrame} from "../lib/frames.js";
import {may} from "../lib/session.js";
import {Table} from "../parts/table.js";
import {Empty, ProblemBox} from "../parts/problem.js";
import {tell} from "../parts/toast.js";
import {Filters, listParams} from "./executions/filters.js";
import {Views} from "./executions/views.js";
import {columnsFor} from "./executions/rows.js";
import {ACTIONS, BulkBar, BulkDialog, allMatching} from "./executions/bulk.js";

const LIMIT = 50, REFRESH_MS = 2500, IDLE_MS = 30_000;
const CAME_FROM = "list-came-from";

/** The list for an address: `rows`, and how many newer ones `fresh` has that are not shown. */
function useList(search) {
  const [state, setState] = useState({rows: null, next: null, fresh: [], problem: null, version: 0, of: null});
  const current = useRef(search);
  current.current = search;
  const params = useMemo(() => new URLSearchParams(search), [search]);
  const read = useCallback(() => get("executions", {...listParams(params), limit: LIMIT, cursor: params.get("cursor")}), [params]);
  const load = useCallback(async () => {
    try {
      const page = await read();
      if (current.current === search) setState(was => ({rows: page.items, next: page.next_cursor, fresh: [], problem: null, version: was.version + 1, of: search}));
    } catch (problem) {
      if (current.current === search) setState(was => ({...was, problem}));
    }
  }, [search]);
  const refresh = useCallback(async () => {
    try {
      const page = await read();
      if (current.current === search) setState(was => (was.of === search ? merged(was, page) : was));
    } catch (problem) {
      if (current.current === search && !problem.isPassing) setState(was => ({...was, problem}));
    }
  }, [search]);
  useEffect(() => { load(); }, [load]);
  const patch = useCallback(events => setState(was => events.reduce(patched, was)), []);
  return {...state, load, refresh, patch};
}

/** Rows that are shown stay where they are, with what is known of them now; new ones only count. */
function merged(was, page) {
  const shown = new Set(was.rows.map(row => row.id)), now = new Map(page.items.map(row => [row.id, row]));
  if (!was.rows.length) return {...was, rows: page.items, next: page.next_cursor, fresh: [], problem: null, version: was.version + 1};
  const top = was.rows[0];
  const fresh = page.items.filter(row => !shown.has(row.id) && (row.created_at > top.created_at || (row.created_at === top.created_at && row.id > top.id)));
  return {...was, rows: was.rows.map(row => now.get(row.id) || row), fresh, problem: null, version: was.version + 1};
}

function patched(was, event) {
  const index = was.rows ? was.rows.findIndex(row => row.id === event.execution_id) : -1;
  if (index < 0) return was;
  const row = was.rows[index], rows = [...was.rows];
  const ended = ["completed", "failed", "cancelled"].includes(event.status) ? event.occurred_at : null;
  rows[index] = {...row, status: event.status, progress: {...row.progress, percent: event.progress_percent},
    started_at: row.started_at || (event.status === "pending" ? null : event.occurred_at), finished_at: row.finished_at || ended,
    error: ended ? event.error : row.error, current_tasks: ended ? [] : row.current_tasks,
    duration_seconds: ended && row.started_at ? (Date.parse(ended) - Date.parse(row.started_at)) / 1000 : row.duration_seconds};
  return {...was, rows};
}

function useLive(list, isTop) {
  const box = useRef(list);
  box.current = list;
  useEffect(() => {
    let events = [];
    const refresh = atMostEvery(REFRESH_MS, () => box.current.refresh());
    const render = oncePerFrame(() => { box.current.patch(events); events = []; });
    const start = () => follow({channel: "executions", onEvent: event => { events.push(event); render(); if (isTop) refresh(); },
      onReset: () => { stop(); refresh(); stop = start(); }, poll: refresh});
    let stop = start();
    const timer = setInterval(() => { if (!document.hidden && isTop) refresh(); }, IDLE_MS);
    return () => { stop(); refresh.stop(); clearInterval(timer); };
  }, [isTop]);
}

/** Which rows are chosen. Another list begins with none, so nothing is chosen that is not shown. */
function useSelection(rows, search) {
  const [chosen, setChosen] = useState(new Set());
  useEffect(() => setChosen(new Set()), [search]);
  const shown = rows || [], selected = shown.filter(row => chosen.has(row.id));
  return {
    selected, has: id => chosen.has(id), clear: () => setChosen(new Set()), isAll: shown.length > 0 && selected.length === shown.length,
    toggle: id => setChosen(was => { const next = new Set(was); if (!next.delete(id)) next.add(id); return next; }),
    toggleAll: () => setChosen(selected.length === shown.length ? new Set() : new Set(shown.map(row => row.id))),
  };
}

export function Page() {
  const params = query.value, search = params.toString(), isTop = !params.get("cursor");
  const list = useList(search), mayAct = Object.values(ACTIONS).some(action => may(action.scope));
  const selection = useSelection(list.rows, search), [bulk, setBulk] = useState(null);
  useLive(list, isTop);
  const matching = async name => {
    try {
      setBulk({name, ...(await allMatching(listParams(params)))});
    } catch (problem) { tell(problem.detail, "bad"); }
  };
  const isEmpty = list.rows && !list.rows.length;
  return html`<div class="page-head"><h1>Executions</h1><${Views}/></div>
    <${Filters} changes=${list.version}/>
    <${ProblemBox} problem=${list.problem} onRetry=${list.load}/>
    ${selection.selected.length > 0 && mayAct && html`<${BulkBar} selected=${selection.selected} onClear=${selection.clear} onAct=${name => setBulk({name, rows: selection.selected, isAll: true})}/>`}
    <div aria-live="polite">${list.fresh.length > 0 && html`<button type="button" class="fresh" onClick=${list.load}>${list.fresh.length === LIMIT ? `${LIMIT} or more` : list.fresh.length} new: show</button>`}</div>
    ${list.rows === null ? !list.problem && html`<p class="empty" aria-busy="true">Loading …</p>`
      : isEmpty ? html`<${NothingHere} filtered=${search !== ""}/>`
      : html`<div class="list-of-executions"><${Table} label="Executions" columns=${columnsFor(mayAct ? selection : null)} rows=${list.rows}/></div>`}
    <${Pager} params=${params} next=${list.next} rows=${list.rows}>${mayAct && !isEmpty && search && Object.entries(ACTIONS).filter(([, action]) => may(action.scope)).map(([name, action]) => html`
      <button key=${name} type="button" class="bare tiny" onClick=${() => matching(name)}>${action.word} all that match …</button>`)}<//>
    ${bulk && html`<${BulkDialog} ...${bulk} onClose=${() => setBulk(null)} onDone=${() => { selection.clear(); list.refresh(); }}/>`}`;
}

const NothingHere = ({filtered}) => (filtered
  ? html`<${Empty} title="No execution matches"><a href=${href("/executions")}>Show all</a><//>`
  : html`<${Empty} title="Nothing has run yet"><p class="soft">${may("executions:start") && may("definitions:read") ? html`Choose one of the <a href=${href("/workflows")}>workflows</a> and run it.` : "Executions appear here when they are started."}</p><//>`);

/** Older and newer pages. The one before is remembered, because keys lead one way only. */
function Pager({params, next, rows, children}) {
  const cursor = params.get("cursor") || "";
  const cameFrom = () => JSON.parse(sessionStorage.getItem(CAME_FROM) || "{}");
  const older = () => {
    sessionStorage.setItem(CAME_FROM, JSON.stringify({...cameFrom(), [next]: cursor}));
    setQuery({cursor: next});
    scrollTo(0, 0);
  };
  const newer = () => { setQuery({cursor: cameFrom()[cursor] || ""}); scrollTo(0, 0); };
  if (!rows?.length && !cursor) return null;
  return html`<div class="pager"><span class="faint">${rows ? `${rows.length} shown` : ""}</span>${children}<span class="grow"></span>
    ${cursor && html`<button type="button" onClick=${() => setQuery({cursor: ""})}>Newest</button>`}
    ${(cursor || next) && html`<button type="button" disabled=${!cursor} onClick=${newer}>Newer</button><button type="button" disabled=${!next} onClick=${older}>Older</button>`}</div>`;
}
