// Who has changed what. Filters are in the address; pages go by the numbers of the entries.
import {html} from "../lib/html.js";
import {href, query, setQuery} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {now, utc} from "../lib/time.js";
import {ACTIONS, Target, summary} from "../parts/audit-words.js";
import {Empty, Loaded} from "../parts/problem.js";
import {RowLink, Table} from "../parts/table.js";
import {Time} from "../parts/time.js";

const LIMIT = 50;
const SPANS = {hour: 3600, day: 86400, week: 7 * 86400, month: 30 * 86400};
const FILTERS = ["actor", "action", "target", "since", "until"];

const COLUMNS = [
  {key: "number", title: "No.", num: true, cell: row => row.number},
  {key: "at", title: "Time", cell: row => html`<${Time} at=${row.at}/>`},
  {key: "actor", title: "Who", cell: row => html`<a class="mono" href=${filtered({actor: row.actor})} title="Only what ${row.actor} has done">${row.actor}</a>`},
  {key: "action", title: "What", cell: row => html`<${RowLink} href=${href(`/audit/${row.number}`)}>${row.action}<//>`},
  {key: "target", title: "To what", cell: row => html`<${Target} target=${row.target}/>`},
  {key: "change", title: "Change", cell: row => html`<span class="soft">${summary(row)}</span>`},
];

const filtered = changes => href("/audit", {...Object.fromEntries(query.value), ...changes, cursor: null});

export function Page() {
  const wanted = Object.fromEntries(FILTERS.map(name => [name, query.value.get(name) || ""])), cursor = query.value.get("cursor");
  const list = useResource("audit", {...wanted, since: instant(wanted.since), cursor, limit: LIMIT});
  return html`<div class="page-head"><h1>Audit log</h1></div><${Filters} wanted=${wanted}/>
    <${Loaded} of=${list}>${data => html`<${Entries} ...${data} cursor=${cursor} isFiltered=${FILTERS.some(name => wanted[name])}/>`}<//>`;
}

function Filters({wanted}) {
  const set = name => event => setQuery({[name]: event.currentTarget.value.trim(), cursor: ""});
  const setInstant = name => ({currentTarget: {value}}) => setQuery({[name]: value && new Date(value).toISOString(), cursor: ""});
  const isSpan = wanted.since in SPANS;
  return html`<form class="ops-filters" role="search" aria-label="Filters" onSubmit=${event => { event.preventDefault(); document.activeElement.blur(); }}>
    <label class="field">Who<input value=${wanted.actor} onChange=${set("actor")} placeholder="key:Xk3vT9aB" spellcheck=${false} data-search/></label>
    <label class="field">What<select value=${wanted.action} onChange=${set("action")}><option value="">everything</option>
      ${ACTIONS.map(action => html`<option key=${action}>${action}</option>`)}</select></label>
    <label class="field">To what<input value=${wanted.target} onChange=${set("target")} placeholder="workflow:7" spellcheck=${false}/></label>
    <label class="field">Since<select value=${isSpan || !wanted.since ? wanted.since : "instant"} onChange=${set("since")}>
      <option value="">the beginning</option><option value="hour">an hour ago</option><option value="day">yesterday, this time</option><option value="week">7 days ago</option><option value="month">30 days ago</option>
      ${wanted.since && !isSpan && html`<option value="instant" disabled>${utc(wanted.since)}</option>`}</select></label>
    <label class="field">or from<input type="datetime-local" value=${isSpan ? "" : local(wanted.since)} onChange=${setInstant("since")}/></label>
    <label class="field">Until<input type="datetime-local" value=${local(wanted.until)} onChange=${setInstant("until")}/></label>
    ${FILTERS.some(name => wanted[name]) && html`<a class="button" href=${href("/audit")}>All entries</a>`}</form>`;
}

/** The instant of a word such as `day`, to the minute, so that the same list is read again from what is kept. */
function instant(since) {
  if (!(since in SPANS)) return since;
  return new Date(Math.floor(now.peek() / 60_000) * 60_000 - SPANS[since] * 1000).toISOString();
}

function local(since) {
  if (!since || Number.isNaN(Date.parse(since))) return "";
  const date = new Date(since);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function Entries({items, next_cursor: next, cursor, isFiltered}) {
  if (!items.length) return html`<${Empty} title=${isFiltered ? "No such entries" : "Nothing was changed yet"}>${isFiltered && html`<a href=${href("/audit")}>All entries</a>`}<//>`;
  return html`<div class="fold-rows audit-list"><${Table} label="Entries of the audit log" columns=${COLUMNS} rows=${items} id=${row => row.number}/></div>
    <nav class="row pager" aria-label="Pages of the log">${cursor && html`<a class="button" href=${filtered({})}>Newest</a>`}
      ${next && html`<a class="button" href=${href("/audit", {...Object.fromEntries(query.value), cursor: next})} rel="next">Older</a>`}
      ${!next && html`<span class="faint">${isFiltered ? "no older ones" : "the log begins here"}</span>`}</nav>`;
}
