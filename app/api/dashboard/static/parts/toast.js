// Short notices about what was done, which vanish by themselves.
import {html, signal} from "../lib/html.js";

const SHOWN_MS = 6000;
const notices = signal([]);
let number = 0;

/** `kind` "bad" for a refusal. */
export function tell(text, kind = "ok") {
  const notice = {id: ++number, text, kind};
  notices.value = [...notices.value.slice(-3), notice];
  setTimeout(() => { notices.value = notices.value.filter(other => other !== notice); }, kind === "bad" ? SHOWN_MS * 2 : SHOWN_MS);
}

export const Toasts = () => html`<div class="toasts" role="status" aria-live="polite">
  ${notices.value.map(({id, text, kind}) => html`<div key=${id} class="toast toast-${kind}">${text}</div>`)}</div>`;
