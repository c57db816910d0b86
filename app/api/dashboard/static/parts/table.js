// A table whose rows lead somewhere. `j` and `k` go from row to row, Enter opens one.
import {html, useRef} from "../lib/html.js";
import {useKeys} from "../lib/keys.js";

/**
 * columns  [{title, cell: row => …, num, area, label}]: `num` for numbers; `area` names its place on small screens
 * rows     each with a key by `id(row)`
 * The first cell that contains a `RowLink` makes the row one that keys can reach.
 */
export function Table({columns, rows, id = row => row.id, rowClass = () => "", label, head = true}) {
  const box = useRef(null);
  const step = by => () => moveFocus(box.current, by);
  useKeys({j: step(1), k: step(-1)});
  return html`<table class="grid" ref=${box} aria-label=${label}>
    ${head && html`<thead><tr>${columns.map(column => html`<th scope="col" key=${column.key} class=${column.num ? "num" : ""}>${column.title}</th>`)}</tr></thead>`}
    <tbody>${rows.map(row => html`<tr key=${id(row)} class=${rowClass(row)}>
      ${columns.map(column => html`<td key=${column.key} class="c-${column.key} ${column.num ? "num" : ""}">${column.cell(row)}</td>`)}</tr>`)}</tbody></table>`;
}

export const RowLink = ({href, children, ...rest}) => html`<a class="row-link" href=${href} ...${rest}>${children}</a>`;

function moveFocus(table, by) {
  const links = [...table.querySelectorAll(".row-link")];
  if (!links.length) return false;
  const at = links.indexOf(document.activeElement?.closest("tr")?.querySelector(".row-link"));
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.max(0, Math.min(links.length - 1, at + by))];
  next.focus();
  next.closest("tr").scrollIntoView({block: "nearest"});
  return true;
}
