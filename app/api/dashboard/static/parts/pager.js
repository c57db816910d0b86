// Pages of a list that has numbers: `skip` in the query.
import {html} from "../lib/html.js";
import {query, setQuery} from "../lib/router.js";

export const skipped = () => Math.max(0, Number.parseInt(query.value.get("skip"), 10) || 0);

export function Pager({total, limit}) {
  const skip = skipped(), last = Math.min(total, skip + limit);
  if (total <= limit && !skip) return null;
  const to = value => setQuery({skip: value || null});
  return html`<nav class="row pager" aria-label="Pages of the list">
    <button type="button" class="tiny" disabled=${!skip} onClick=${() => to(Math.max(0, skip - limit))}>Previous</button>
    <button type="button" class="tiny" disabled=${last >= total} onClick=${() => to(skip + limit)}>Next</button>
    <span class="faint">${total ? skip + 1 : 0}–${last} of ${total}</span></nav>`;
}
