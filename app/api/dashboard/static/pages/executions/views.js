// Saved views: filters with a name, kept in this browser.
import {html, signal, useRef, useState} from "../../lib/html.js";
import {href, query, queryText} from "../../lib/router.js";
import {Dialog} from "../../parts/dialog.js";
import {filtersOf} from "./filters.js";

const PLACE = "views-of-executions";
const BUILT_IN = [{name: "All", filters: {}}, {name: "Active", filters: {status: "pending,running,paused"}}, {name: "To be fixed", filters: {unresolved: "true"}}];
const saved = signal(stored());

function stored() {
  try {
    const found = JSON.parse(localStorage.getItem(PLACE) || "[]");
    return Array.isArray(found) ? found.filter(view => view?.name && typeof view.filters === "object") : [];
  } catch { return []; }
}

function save(views) {
  saved.value = views;
  localStorage.setItem(PLACE, JSON.stringify(views));
}

const same = (one, other) => queryText(one) === queryText(other);

export function Views() {
  const [isNaming, setNaming] = useState(false);
  const now = filtersOf(query.value), all = [...BUILT_IN, ...saved.value];
  const current = all.find(view => same(view.filters, now));
  return html`<div class="views" role="group" aria-label="Views">
    ${all.map(view => html`<a key=${view.name} href=${href("/executions", view.filters)} aria-current=${view === current ? "true" : null}>${view.name}</a>`)}
    ${!current && html`<button type="button" class="bare tiny" onClick=${() => setNaming(true)}>Save view</button>`}
    ${current && saved.value.includes(current) && html`<button type="button" class="bare tiny" aria-label="Forget the view ${current.name}" onClick=${() => save(saved.value.filter(view => view !== current))}>Forget</button>`}
    ${isNaming && html`<${Naming} filters=${now} onClose=${() => setNaming(false)}/>`}</div>`;
}

function Naming({filters, onClose}) {
  const box = useRef(null);
  const keep = () => {
    const name = box.current.value.trim();
    save([...saved.value.filter(view => view.name !== name), {name, filters}]);
  };
  return html`<${Dialog} title="Save this view" action="Save" onSubmit=${keep} onClose=${onClose}>
    <label class="field">Name<input ref=${box} required maxlength="40" pattern=".*\\S.*" autofocus/></label>
    <p class="soft">Views are kept in this browser. The address of this page can be sent to others.</p><//>`;
}
