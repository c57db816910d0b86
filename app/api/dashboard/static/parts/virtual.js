// A long list of which only the rows that can be seen are in the document. All rows have the same height.
import {html, useLayoutEffect, useRef, useState} from "../lib/html.js";

const MORE = 8;

/**
 * items, height   what is listed, and the height of a row in px
 * row(item, index) its content, one element
 * follow          keep the end in sight while it is in sight
 */
export function VirtualList({items, height, row, most = 560, follow = false, label, role = "list"}) {
  const box = useRef(null), atEnd = useRef(true);
  const [top, setTop] = useState(0);
  const seen = Math.ceil(most / height), from = Math.max(0, Math.floor(top / height) - MORE);
  const shown = items.slice(from, from + seen + 2 * MORE);
  useLayoutEffect(() => {
    if (follow && atEnd.current) box.current.scrollTop = items.length * height;
  }, [items.length, follow]);
  const scrolled = ({currentTarget: list}) => {
    atEnd.current = list.scrollTop + list.clientHeight >= list.scrollHeight - height;
    setTop(list.scrollTop);
  };
  return html`<div class="virtual" ref=${box} role=${role} aria-label=${label} tabindex="0" onScroll=${scrolled} style=${{maxHeight: `${most}px`, overflowY: "auto"}}>
    <div style=${{height: `${items.length * height}px`, position: "relative"}} role="presentation">
      ${shown.map((item, index) => html`<div key=${from + index} role=${role === "list" ? "listitem" : "presentation"} class="virtual-row"
        style=${{position: "absolute", top: `${(from + index) * height}px`, height: `${height}px`, left: 0, right: 0}}>${row(item, from + index)}</div>`)}</div></div>`;
}
