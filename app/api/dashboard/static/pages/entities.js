// Entities: the things that machines govern.
import {html} from "../lib/html.js";
import {query, setQuery} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {EntityList} from "./entities/list.js";

const FINAL = [["", "open and ended"], ["false", "open"], ["true", "ended"]], MOST_MACHINES = 200;

export function Page() {
  const machines = useResource("machines", {limit: MOST_MACHINES}), items = machines.data?.items || [];
  const given = Object.fromEntries(["machine", "state", "entity_table", "entity_id", "final"].map(name => [name, query.value.get(name) || ""]));
  const chosen = items.find(one => [one.key, String(one.id)].includes(given.machine));
  const set = name => event => setQuery({[name]: event.currentTarget.value.trim(), cursor: null, ...(name === "machine" && {state: null})});
  return html`<div class="page-head"><h1>Entities</h1></div>
    <form class="filters entity-filters" role="search" onSubmit=${event => event.preventDefault()}>
      <select aria-label="Machine" value=${chosen ? chosen.key || String(chosen.id) : ""} onChange=${set("machine")}><option value="">all machines</option>${items.map(one => html`<option key=${one.id} value=${one.key || one.id}>${one.name}</option>`)}</select>
      ${chosen ? html`<select aria-label="State" value=${given.state} onChange=${set("state")}><option value="">all states</option>${chosen.states.map(state => html`<option key=${state.name} value=${state.name}>${state.name}</option>`)}</select>`
      : html`<input aria-label="State" placeholder="state" value=${given.state} onChange=${set("state")}/>`}
      <select aria-label="Open or ended" value=${given.final} onChange=${set("final")}>${FINAL.map(([value, words]) => html`<option key=${value} value=${value}>${words}</option>`)}</select>
      <input aria-label="Table" placeholder="table" value=${given.entity_table} onChange=${set("entity_table")}/>
      <input type="search" data-search aria-label="Id in the table" placeholder="id in the table" value=${given.entity_id} onChange=${set("entity_id")}/></form>
    <${EntityList} filter=${given} machines=${items}/>`;
}
