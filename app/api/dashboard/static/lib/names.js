// What ids of workflows and machines stand for. Each list is read once for all pages, and again when an unknown id comes up.
import {get} from "./api.js";
import {may, me} from "./session.js";
import {effect, signal} from "./html.js";

const PAUSE_MS = 10_000, SIZE = 200, MOST_PAGES = 25;

class Names {
  constructor(path, scope, word) {
    Object.assign(this, {path, scope, word, readAt: -Infinity});
    /** id → {id, key, name}. */
    this.known = signal(new Map());
  }

  /** The one with this id; null while it is not known. */
  of(id) {
    const found = this.known.value.get(id);
    if (!found) this.read();
    return found || null;
  }

  /** What people call it: its key, else its name; `workflow 7` while it is not known. */
  text(id) {
    const found = this.of(id);
    return found ? found.key || found.name : `${this.word} ${id}`;
  }

  /** Read them all, but not more often than every few seconds. Who is limited to some workflows cannot list them. */
  read() {
    if (Date.now() - this.readAt < PAUSE_MS || !may(this.scope) || me.peek().workflows) return;
    this.readAt = Date.now();
    this.#all().then(found => { this.known.value = found; }, () => {});
  }

  /** Read one, by its id or key. */
  async learn(ref) {
    const found = await get(`${this.path}/${encodeURIComponent(ref)}`).catch(() => null);
    if (found) this.known.value = new Map(this.known.value).set(found.id, {id: found.id, key: found.key, name: found.name});
  }

  async #all() {
    const found = new Map();
    for (let skip = 0, page = 0; page < MOST_PAGES; page += 1, skip += SIZE) {
      const {items, total} = await get(this.path, {skip, limit: SIZE});
      for (const {id, key = null, name} of items) found.set(id, {id, key, name});
      if (skip + items.length >= total || !items.length) break;
    }
    return found;
  }

  forget() {
    this.readAt = -Infinity;
    this.known.value = new Map();
  }
}

export const workflows = new Names("workflows", "definitions:read", "workflow");
export const machines = new Names("machines", "machines:read", "machine");

effect(() => { if (me.value === null) for (const names of [workflows, machines]) names.forget(); });
