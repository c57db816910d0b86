// Instants and durations. Local time is shown, UTC is in the title.
import {html} from "../lib/html.js";
import {ago, between, clock, duration, utc} from "../lib/time.js";

export const Time = ({at, millis = false}) => (at
  ? html`<time datetime=${at} title=${utc(at)} class="nowrap">${clock(at, {withMillis: millis})}</time>`
  : html`<span class="faint">–</span>`);

/** `5 m ago`, and the instant in the title. */
export const Ago = ({at}) => (at ? html`<time datetime=${at} title=${`${clock(at)} · ${utc(at)}`} class="nowrap">${ago(at)}</time>` : html`<span class="faint">–</span>`);

/** Counts on while there is no end. */
export const Duration = ({start, end, seconds}) => {
  const length = seconds ?? between(start, end);
  return length === null ? html`<span class="faint">–</span>` : html`<span class="nowrap">${duration(length)}</span>`;
};
