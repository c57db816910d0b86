// All machines.
import {html} from "../lib/html.js";
import {href, query} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {Empty, Loaded} from "../parts/problem.js";
import {Pager, skipped} from "../parts/pager.js";
import {RowLink, Table} from "../parts/table.js";
import {SearchBox} from "../parts/search-box.js";
import {Ago} from "../parts/time.js";

const LIMIT = 50, MOST_STATES = 6;

const COLUMNS = [
  {key: "name", title: "Machine", cell: row => html`<${RowLink} href=${href(`/machines/${row.id}`)}>${row.name}<//>${row.key && row.key !== row.name && html` <code class="faint">${row.key}</code>`}`},
  {key: "states", title: "States", cell: row => html`<${States} of=${row.states}/>`},
  {key: "transitions", title: "Transitions", num: true, cell: row => row.transitions.length},
  {key: "entities", title: "Entities", cell: row => html`<a href=${href("/entities", {machine: row.key || row.id})}>show</a>`},
  {key: "revision", title: "Revision", num: true, cell: row => row.revision},
  {key: "updated", title: "Changed", cell: row => html`<${Ago} at=${row.updated_at}/>`},
];

const States = ({of}) => html`<span class="soft">${of.slice(0, MOST_STATES).map(state => state.name).join(", ")}${of.length > MOST_STATES && ` and ${of.length - MOST_STATES} more`}</span>`;

export function Page() {
  const name = query.value.get("q") || "", list = useResource("machines", {name, skip: skipped(), limit: LIMIT});
  return html`<div class="page-head"><h1>Machines</h1><${SearchBox} label="Search by name" forget=${{skip: null}}/></div>
    <${Loaded} of=${list}>${data => (data.items.length
      ? html`<div class="stacked list-of-machines"><${Table} label="Machines" columns=${COLUMNS} rows=${data.items}/></div><${Pager} total=${data.total} limit=${LIMIT}/>`
      : html`<${Empty} title=${name ? "No machine has such a name" : "There is no machine yet"}>${!name && html`<p>A machine says which states a thing can be in. Import one: <code>workflow machine import machine.yaml</code></p>`}<//>`)}<//>`;
}
