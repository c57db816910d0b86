// The feed of all events, read in pages behind a position, so that each event comes once and in order. A channel of the
// tab's WebSocket says when there is something to read. Entities are in no channel, so the feed is read now and then, too.
import {api, get} from "./api.js";
import {atMostEvery} from "./frames.js";
import {follow} from "./live.js";

const LIMIT = 500, AT_MOST_EVERY_MS = 300, NOW_AND_THEN_MS = 3000;
/** So many positions back does a reader look at a time, whatever its filter leaves of them. */
const BACK = 1000;

/** The newest position: the first thing that a stream says. */
export async function newestPosition(params = {}) {
  const answer = await fetch(address(params), {headers: {Accept: "text/event-stream"}, cache: "no-store"});
  if (!answer.ok) { await get("events", {...params, limit: 1}); return 0; }
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (let text = ""; ;) {
      const {value, done} = await reader.read();
      if (done) return 0;
      text += value;
      const found = /^id: (\d+)\n/m.exec(text);
      if (found) return Number(found[1]);
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** The parameters of a filter, as they stand in the query of REST. `type` may be repeated. */
function address(params) {
  const url = new URL("events", api);
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) if (one !== undefined && one !== null && one !== "") url.searchParams.append(name, one);
  }
  return url;
}

const page = params => get(`events${address(params).search}`);

/**
 * Reads a filtered feed. `onEvents(events, isOlder)` gets new ones as they come, the oldest first; `onProblem(problem)`
 * a refusal, and null when the next read succeeds.
 */
export class FeedReader {
  constructor(filter, {onEvents, onProblem}) {
    Object.assign(this, {filter, onEvents, onProblem});
    this.oldest = null;
    this.position = null;
    this.isOver = this.isReading = false;
    this.ask = atMostEvery(AT_MOST_EVERY_MS, () => this.#read());
  }

  async start() {
    const channel = this.filter.workflow_id ? `workflow:${this.filter.workflow_id}` : "executions";
    this.leave = follow({channel, onEvent: () => this.ask(), onReset: () => this.ask(), poll: () => this.ask()});
    this.timer = setInterval(() => { if (!document.hidden) this.ask(); }, NOW_AND_THEN_MS);
    try {
      this.position = this.oldest = await newestPosition(this.filter);
      if (!this.isOver) await this.older();
    } catch (problem) {
      if (!this.isOver) this.onProblem(problem);
    }
    this.ask();
  }

  stop() {
    this.isOver = true;
    this.ask.stop();
    clearInterval(this.timer);
    this.leave?.();
  }

  /** Read what lies before everything that was read. Returns whether there may be more. */
  async older() {
    const until = this.oldest, from = Math.max(0, until - BACK);
    const found = [];
    for (let after = from; after < until;) {
      const {items, next_position: next} = await this.#kept(after);
      found.push(...items.filter(event => event.position <= until));
      if (next <= after) break;
      after = next;
    }
    this.oldest = from;
    if (!this.isOver && found.length) this.onEvents(found, true);
    return from > 0;
  }

  /** A page behind a position; behind the oldest one that is kept, if that has expired. */
  async #kept(after) {
    try {
      return await page({...this.filter, after, limit: LIMIT});
    } catch (problem) {
      if (problem.code !== "position_expired" || !problem.document.oldest) throw problem;
      return page({...this.filter, after: problem.document.oldest, limit: LIMIT});
    }
  }

  async #read() {
    if (this.isOver || this.isReading || this.position === null) return;
    this.isReading = true;
    try {
      const {items, next_position: next} = await this.#kept(this.position);
      this.position = Math.max(this.position, next);
      if (this.isOver) return;
      this.onProblem(null);
      if (items.length) this.onEvents(items, false);
      if (items.length === LIMIT) this.ask();
    } catch (problem) {
      if (!this.isOver) this.onProblem(problem);
    } finally {
      this.isReading = false;
    }
  }
}
