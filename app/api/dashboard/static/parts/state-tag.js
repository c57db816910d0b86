// The state of an entity: a sign for whether it has ended, and its name.
import {html, cls} from "../lib/html.js";

export const StateTag = ({name, title = name, isFinal = false, big = false}) => html`
  <span class=${cls("state-tag", isFinal && "is-final", big && "st-big")} title=${isFinal ? "a final state" : null}><svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
    ${isFinal ? html`<circle cx="5" cy="5" r="4" fill="none" stroke="currentColor" stroke-width="1.4"/><circle cx="5" cy="5" r="2" fill="currentColor"/>` : html`<circle cx="5" cy="5" r="4" fill="currentColor"/>`}</svg>${title}${isFinal && html`<span class="sr">, ended</span>`}</span>`;
