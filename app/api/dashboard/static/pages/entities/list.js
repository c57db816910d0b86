// A list of entities, newest first.
import {html, useState, useEffect} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {get} from "../../lib/api.js";
import {useResource} from "../../lib/resource.js";
import {Empty, Loaded, ProblemBox} from "../../parts/problem.js";
import {RowLink, Table} from "../../parts/table.js";
import {StateTag} from "../../parts/state-tag.js";
import {Ago} from "../../parts/time.js";

const LIMIT = 50, EVERY_MS = 5000;

/** `filter` as the parameters of GET /entities; `machines` those whose names are shown. */
export function EntityList({filter, machines = [], withMachine = true}) {
  const list = useResource("entities", {...filter, limit: LIMIT}, {everyMs: EVERY_MS}), names = new Map(machines.map(one => [one.id, one.name]));
  const [older, setOlder] = useState({items: [], cursor: undefined}), [problem, setProblem] = useState(null), key = JSON.stringify(filter);
  useEffect(() => { setOlder({items: [], cursor: undefined}); setProblem(null); }, [key]);
  return html`<${Loaded} of=${list}>${data => {
    const known = new Set(data.items.map(one => one.id)), rows = [...data.items, ...older.items.filter(one => !known.has(one.id))];
    const cursor = older.cursor === undefined ? data.next_cursor : older.cursor;
    const more = () => get("entities", {...filter, limit: LIMIT, cursor}).then(page => setOlder({items: [...older.items, ...page.items], cursor: page.next_cursor}), setProblem);
    if (!rows.length) return html`<${None} filter=${filter} withMachine=${withMachine}/>`;
    return html`<div class="stacked list-of-entities"><${Table} label="Entities" columns=${columns(withMachine && names)} rows=${rows}/></div><${ProblemBox} problem=${problem}/>
      ${cursor && html`<div class="pager"><button type="button" onClick=${more}>Older ones</button></div>`}`;
  }}<//>`;
}

/** `withMachine`: on the page of all entities, where the machine is a filter like the others. */
function None({filter, withMachine}) {
  const {machine, ...others} = filter, isFiltered = Object.values(withMachine ? filter : others).some(Boolean);
  return html`<${Empty} title=${isFiltered ? "There is no such entity" : "There is no entity yet"}>
    <p>An entity is started ${withMachine ? html`at its <a href=${href("/machines")}>machine</a>` : "here"}, over the API, or by <code>workflow machine start</code>.</p><//>`;
}

const columns = names => [
  {key: "entity", title: "Entity", cell: row => html`<${RowLink} href=${href(`/entities/${row.id}`)}>${row.entity_table}/${row.entity_id}<//>`},
  {key: "state", title: "State", cell: row => html`<${StateTag} name=${row.state} isFinal=${row.is_final}/>`},
  names && {key: "machine", title: "Machine", cell: row => html`<a href=${href(`/machines/${row.machine_id}`)}>${names.get(row.machine_id) || row.machine_id}</a>`},
  {key: "entered", title: "In the state since", cell: row => html`<${Ago} at=${row.entered_at}/>`},
  {key: "due", title: "Timer", cell: row => (row.due ? html`<${Ago} at=${row.due.at}/> <span class="faint">→ ${row.due.to || row.due.transition}</span>` : html`<span class="faint">–</span>`)},
  {key: "events", title: "Events", num: true, cell: row => row.sequence},
  {key: "created", title: "Started", cell: row => html`<${Ago} at=${row.created_at}/>`},
].filter(Boolean);
