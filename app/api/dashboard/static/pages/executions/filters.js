// What the list shows: all of it is in the address, so a filter can be sent to others and undone with Back.
import {html, cls, useEffect, useMemo, useRef, useState} from "../../lib/html.js";
import {atMostEvery} from "../../lib/frames.js";
import {go, href, query, setQuery} from "../../lib/router.js";
import {useResource} from "../../lib/resource.js";
import {Sign} from "../../parts/status.js";

export const ACTIVE = ["pending", "running", "paused"];
const ENDED = ["completed", "failed", "cancelled"];
const SINCE = {"1h": ["last hour", 3600], "24h": ["last 24 hours", 86400], "7d": ["last 7 days", 604800]};
const ID = /^[0-9a-f]{2,}(-?[0-9a-f]+)*-?$/i, WHOLE_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TYPED_MS = 350, COUNTS_MS = 6000, COUNTS_IDLE_MS = 30_000;
export const FILTERS = ["status", "workflow_id", "workflow_name", "id_prefix", "error_code", "unresolved", "since", "parent", "root_id"];

/** The parameters of GET /executions for an address. */
export function listParams(params) {
  const wanted = {};
  for (const name of FILTERS) if (params.get(name) && name !== "since") wanted[name] = params.get(name);
  const since = SINCE[params.get("since")];
  if (since) wanted.created_after = new Date(Math.floor(Date.now() / 60_000) * 60_000 - since[1] * 1000).toISOString();
  return wanted;
}

/** The filters of an address, without the place in the list. */
export const filtersOf = params => Object.fromEntries(FILTERS.filter(name => params.get(name)).map(name => [name, params.get(name)]));

/** Another filter begins at the top of the list. */
export const setFilter = (changes, options) => setQuery({...changes, cursor: null}, options);

const chosen = () => (query.value.get("status") || "").split(",").filter(Boolean);

function toggle(status) {
  const now = chosen();
  setFilter({status: (now.includes(status) ? now.filter(other => other !== status) : [...now, status]).join(",")});
}

export function Filters({changes}) {
  const counts = useResource("executions/counts", {workflow_id: query.value.get("workflow_id")}, {everyMs: COUNTS_IDLE_MS});
  const latest = useRef(counts), recount = useMemo(() => atMostEvery(COUNTS_MS, () => latest.current.reload()), []);
  latest.current = counts;
  useEffect(() => recount.stop, []);
  useEffect(() => { if (changes > 1) recount(); }, [changes]);
  const {active, ended} = counts.stale || {active: {}, ended: {}};
  const params = query.value, statuses = chosen();
  return html`<div class="filters">
    <${Search}/>
    <div class="chips" role="group" aria-label="Status">
      ${[...ACTIVE, ...ENDED].map(status => html`<button key=${status} type="button" class=${cls("chip", `st-${status}`)} aria-pressed=${statuses.includes(status)} onClick=${() => toggle(status)}
        title=${ACTIVE.includes(status) ? "now" : "ended in the last 24 hours"}><${Sign} status=${status}/>${status} <b>${active[status] ?? ended[status] ?? "·"}</b></button>`)}
      <button type="button" class="chip" aria-pressed=${params.get("unresolved") === "true"} title="failed, and no later retry of it has completed"
        onClick=${() => setFilter({unresolved: params.get("unresolved") === "true" ? "" : "true"})}>unresolved</button>
    </div>
    <select aria-label="Created" value=${params.get("since") || ""} onChange=${event => setFilter({since: event.currentTarget.value})}>
      <option value="">any time</option>${Object.entries(SINCE).map(([key, [words]]) => html`<option key=${key} value=${key}>${words}</option>`)}</select>
    <${Named}/></div>`;
}

/** Filters that have no control of their own: each can be taken away. */
function Named() {
  const params = query.value;
  const words = {workflow_id: "workflow", error_code: "error", parent: "children of", root_id: "family of"};
  const given = Object.keys(words).filter(name => params.get(name));
  if (!given.length) return null;
  return html`<div class="chips">${given.map(name => html`<button key=${name} type="button" class="chip" aria-label="Remove the filter ${words[name]} ${params.get(name)}" onClick=${() => setFilter({[name]: ""})}>${words[name]} <b>${params.get(name).slice(-40)}</b> ✕</button>`)}</div>`;
}

function Search() {
  const params = query.value, given = params.get("workflow_name") || params.get("id_prefix") || "";
  const [text, setText] = useState(given), timer = useRef(null), typed = useRef(given);
  useEffect(() => { if (given !== typed.current) { typed.current = given; setText(given); } }, [given]);
  const search = (value, replace) => {
    clearTimeout(timer.current);
    typed.current = value;
    const isId = ID.test(value) && /\d/.test(value);
    setFilter({workflow_name: isId ? "" : value, id_prefix: isId ? value : ""}, {replace});
  };
  const type = event => {
    const value = event.currentTarget.value.trim();
    setText(event.currentTarget.value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => search(value, Boolean(typed.current && value)), TYPED_MS);
  };
  const submit = event => {
    event.preventDefault();
    const value = text.trim();
    if (WHOLE_ID.test(value)) { clearTimeout(timer.current); go(href(`/executions/${value}`)); } else search(value, false);
  };
  return html`<form role="search" onSubmit=${submit}><input data-search type="search" aria-label="Search by the workflow's name or an id" placeholder="Workflow, or id   /" value=${text} onInput=${type}
    onKeyDown=${event => { if (event.key === "Escape") event.currentTarget.blur(); }}/></form>`;
}
