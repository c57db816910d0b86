// How engines are shown: their state, their load, and what they have done for the caller.
import {html} from "../lib/html.js";
import {Meter, Status} from "./status.js";

const SIGN_OF = {online: "completed", draining: "paused", offline: "cancelled"};
const FULL = 90, CROWDED = 70;

export const EngineStatus = ({status, big}) => html`<${Status} status=${SIGN_OF[status] || "pending"} word=${status} big=${big}/>`;

/** `vm · 2546`; its number where the caller may not see the machine. */
export const engineName = engine => (engine.host ? `${engine.host} · ${engine.pid}` : `Engine ${engine.id}`);

const toneOf = percent => (percent >= FULL ? "failed" : percent >= CROWDED ? "paused" : "running");

/** How many of its places are taken. */
export function Load({engine}) {
  if (engine.status === "offline" || engine.capacity === null) return html`<span class="faint">–</span>`;
  const percent = engine.capacity ? 100 * engine.running / engine.capacity : 0;
  return html`<span class="load"><${Meter} percent=${percent} status=${toneOf(percent)}/>
    <span class="nowrap">${engine.running.toLocaleString()} <span class="faint">of ${engine.capacity.toLocaleString()}</span></span></span>`;
}

const attemptsOf = ({attempts_last_hour: count}) => `${count} ${count === 1 ? "attempt" : "attempts"}`;

/** The share of the attempts of the last hour that succeeded. Of a few it would say nothing. */
export function SuccessRate({work}) {
  if (work.success_rate === null) {
    return html`<span class="faint" title="Shown from 20 attempts within an hour on">${work.attempts_last_hour ? attemptsOf(work) : "–"}</span>`;
  }
  return html`<span title="${attemptsOf(work)} in the last hour">${(100 * work.success_rate).toFixed(1)} %</span>`;
}
