// The transitions that leave the state of an entity, and what blocks each.
import {html, cls} from "../../lib/html.js";
import {Loaded} from "../../parts/problem.js";

/** Conditions that the request itself can fulfil: it is blocked only until the form is filled in. */
const ASKS = /^(field_required|field_equals): /;
export const isAsking = possible => !possible.allowed && possible.blocked_by.length > 0 && possible.blocked_by.every(one => ASKS.test(one));

export function Transitions({possible, entity, titles, mayMove, onChoose}) {
  return html`<${Loaded} of=${possible}>${({items}) => (items.length
    ? html`<ul class="transitions">${items.map(one => html`<${Possible} key=${`${one.name} ${one.to}`} one=${one} titles=${titles} mayMove=${mayMove} onChoose=${onChoose}/>`)}</ul>`
    : html`<p class="faint">${entity.is_final ? "Nothing leaves this state." : "No transition leaves this state."}</p>`)}<//>`;
}

function Possible({one, titles, mayMove, onChoose}) {
  const asks = isAsking(one), isBlocked = !one.allowed && !asks;
  return html`<li class=${cls(isBlocked && "is-blocked")}><div class="grow"><strong>${one.name}</strong> <span class="faint">→</span> ${titles.get(one.to) || one.to}
      ${asks && html`<div class="soft">needs ${one.blocked_by.map(text => text.replace(ASKS, "")).join(", ")}</div>`}
      ${isBlocked && html`<ul class="blocks" aria-label="Blocked by">${one.blocked_by.map(text => html`<li key=${text}>${text}</li>`)}</ul>`}</div>
    ${mayMove && html`<button type="button" class=${one.allowed ? "primary" : ""} onClick=${() => onChoose(one)} aria-label="${one.name} …">${isBlocked ? "Try …" : "Move …"}</button>`}</li>`;
}
