// JSON, folded where it is large. Long lists show a piece at a time.
import {html, useState} from "../lib/html.js";
import {Copy} from "./copy.js";

const PIECE = 100, OPEN_DEPTH = 2, LONG_TEXT = 600;

export function Json({value, depth = OPEN_DEPTH}) {
  return html`<div class="json"><${Value} value=${value} open=${depth}/></div>`;
}

/** JSON with a title and a button that copies it. */
export function JsonBox({title, value, text, children}) {
  const whole = () => text ?? JSON.stringify(value, null, 2);
  return html`<section><header class="row"><h3 class="grow">${title}</h3>${children}<${Copy} text=${whole} what="Copy ${title}"/></header>
    <div class="scroll"><${Json} value=${value}/></div></section>`;
}

function Value({value, open}) {
  if (value === null || typeof value === "boolean") return html`<span class="b">${String(value)}</span>`;
  if (typeof value === "number") return html`<span class="n">${String(value)}</span>`;
  if (typeof value === "string") return html`<${Text} text=${value}/>`;
  return html`<${Nested} value=${value} open=${open}/>`;
}

function Text({text}) {
  const [isWhole, setWhole] = useState(false);
  if (text.length <= LONG_TEXT || isWhole) return html`<span class="s">${JSON.stringify(text)}</span>`;
  return html`<span class="s">${JSON.stringify(text.slice(0, LONG_TEXT)).slice(0, -1)}…</span>
    <button type="button" class="bare tiny" onClick=${() => setWhole(true)}>${text.length - LONG_TEXT} more characters</button>`;
}

function Nested({value, open}) {
  const isList = Array.isArray(value), entries = Object.entries(value);
  const [isOpen, setOpen] = useState(open > 0), [shown, setShown] = useState(PIECE);
  const [left, right] = isList ? "[]" : "{}";
  if (!entries.length) return html`<span>${left}${right}</span>`;
  const fold = html`<button type="button" class="fold" aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${isOpen ? "▾" : "▸"} ${left}${!isOpen && ` ${entries.length} ${right}`}</button>`;
  if (!isOpen) return fold;
  return html`${fold}<div class="kids">${entries.slice(0, shown).map(([name, item]) => html`<div key=${name}>
      ${!isList && html`<span class="k">${name}</span>`}${isList && html`<span class="faint">${name}</span>`}: <${Value} value=${item} open=${open - 1}/></div>`)}
    ${entries.length > shown && html`<button type="button" class="bare tiny" onClick=${() => setShown(shown + PIECE)}>${entries.length - shown} more</button>`}
  </div><span>${right}</span>`;
}
