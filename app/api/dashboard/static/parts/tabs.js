// Tabs. Left and Right move between them.
import {html, useId} from "../lib/html.js";

/** `tabs` is [{key, title}]; only the chosen one is in the order of Tab. */
export function Tabs({tabs, chosen, onChoose, label, children}) {
  const id = useId();
  const move = event => {
    const by = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (!by) return;
    const at = tabs.findIndex(tab => tab.key === chosen), next = tabs[(at + by + tabs.length) % tabs.length];
    onChoose(next.key);
    event.currentTarget.querySelector(`[data-key="${next.key}"]`)?.focus();
    event.preventDefault();
  };
  return html`<div class="tabs" role="tablist" aria-label=${label} onKeyDown=${move}>
    ${tabs.map(tab => html`<button type="button" role="tab" key=${tab.key} data-key=${tab.key} id="${id}-${tab.key}" aria-controls="${id}-panel"
      aria-selected=${tab.key === chosen} tabindex=${tab.key === chosen ? 0 : -1} onClick=${() => onChoose(tab.key)}>${tab.title}</button>`)}</div>
    <div role="tabpanel" id="${id}-panel" aria-labelledby="${id}-${chosen}">${children}</div>`;
}
