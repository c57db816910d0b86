// States: a sign, a word and a colour, each of which would do alone.
import {html, cls} from "../lib/html.js";

const line = {fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round"};

const SIGNS = {
  pending: html`<circle cx="7" cy="7" r="4.6" ...${line} stroke-width="1.4" stroke-dasharray="2 2.4"/>`,
  running: html`<g class="spin"><circle cx="7" cy="7" r="4.8" ...${line} opacity=".28"/><path d="M7 2.2a4.8 4.8 0 0 1 4.8 4.8" ...${line}/></g>`,
  retrying: html`<path d="M11.4 5.2A4.9 4.9 0 1 0 11.9 7M11.9 2.2v3.2H8.7" ...${line} stroke-width="1.5"/>`,
  paused: html`<path d="M4.8 3v8M9.2 3v8" ...${line} stroke-width="2.2"/>`,
  completed: html`<path d="M2.6 7.4 5.7 10.4 11.4 3.8" ...${line} stroke-width="2"/>`,
  failed: html`<path d="M3.4 3.4l7.2 7.2M10.6 3.4l-7.2 7.2" ...${line} stroke-width="2"/>`,
  cancelled: html`<circle cx="7" cy="7" r="4.8" ...${line} stroke-width="1.5"/><path d="M3.7 10.3 10.3 3.7" ...${line} stroke-width="1.5"/>`,
  skipped: html`<path d="M3 3.5 7 7l-4 3.5M7.4 3.5 11.4 7l-4 3.5" ...${line} stroke-width="1.5"/>`,
};

export const WORDS = Object.keys(SIGNS);

/** The sign alone, for places where the word stands beside it. */
export const Sign = ({status, size = 14}) => html`
  <svg viewBox="0 0 14 14" width=${size} height=${size} aria-hidden="true">${SIGNS[status] || SIGNS.pending}</svg>`;

/** `word` replaces the word, as "waiting" for a task that waits. */
export const Status = ({status, word, big}) => html`
  <span class=${cls("st", `st-${status}`, big && "st-big")}><${Sign} status=${status} size=${big ? 16 : 14}/>${word || status}</span>`;

export const Meter = ({percent, status = "running"}) => html`
  <span class=${cls("meter", `tone-${status}`)} role="img" aria-label="${Math.round(percent)} percent"><i style=${{width: `${Math.max(0, Math.min(100, percent))}%`}}></i></span>`;
