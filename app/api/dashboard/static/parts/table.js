// A table whose rows lead somewhere. `j` and `k` go from row to row, Enter opens one.
import {html} from "../lib/html.js";
import {useKeys} from "../lib/keys.js";

/**
 * columns  [{title, cell: row => …, num, area, label}]: `num` for numbers; `area` names its place on small screens
 * rows     each with a key by `id(row)`
 * The first cell that contains a `RowLink` makes the row one that keys can reach.
 */
export function Table({columns, rows, id = row => row.id, rowClass = () => "", label, head = true}) {
  const step = by => () => moveFocus(by);
  useKeys({j: step(1), k: step(-1)});
  return html`<table class="grid" aria-label=${label}>
    ${head && html`<thead><tr>${columns.map(column => html`<th scope="col" key=${column.key} class=${column.num ? "num" : ""}>${column.title}</th>`)}</tr></thead>`}
    <tbody>${rows.map(row => html`<tr key=${id(row)} class=${rowClass(row)}>
      ${columns.map(column => html`<td key=${column.key} class="c-${column.key} ${column.num ? "num" : ""}">${column.cell(row)}</td>`)}</tr>`)}</tbody></table>`;
}

export const RowLink = ({href, children, ...rest}) => html`<a class="row-link" href=${href} ...${rest}>${children}</a>`;

/** Through all tables of the page: of several the newest one has the keys. */
function moveFocus(by) {
  const links = [...document.querySelectorAll("main table.grid .row-link")];
  if (!links.length) return false;
  const at = links.indexOf(document.activeElement?.closest("tr")?.querySelector(".row-link"));
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + by))];
  next.focus();
  next.closest("tr").scrollIntoView({block: "nearest"});
  return true;
}
