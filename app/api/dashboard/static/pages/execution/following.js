// The state of one execution, which follows every event.
import {useEffect, useRef, useState} from "../../lib/html.js";
import {Problem, get} from "../../lib/api.js";
import {follow} from "../../lib/live.js";
import {Fold, isFinal} from "../../lib/fold.js";
import {atMostEvery, oncePerFrame} from "../../lib/frames.js";

const AGAIN_MS = 3000;

/**
 * {fold, problem, reload, listen}: `fold` is the same object for as long as no event is missed; the component renders once per
 * frame in which events came. `listen(onEvent)` passes every event on, in order, and returns how to stop.
 */
export function useExecution(id) {
  const [state, setState] = useState({fold: null, problem: null, version: 0}), listeners = useRef(new Set()), reload = useRef(() => {});
  useEffect(() => {
    const following = new Following(id, listeners.current, change => setState(was => ({...was, ...change, version: was.version + 1})));
    reload.current = () => following.read();
    following.start();
    return () => following.stop();
  }, [id]);
  const listen = useRef(onEvent => { listeners.current.add(onEvent); return () => listeners.current.delete(onEvent); });
  return {...state, reload: () => reload.current(), listen: listen.current};
}

class Following {
  constructor(id, listeners, tell) {
    this.id = id;
    this.listeners = listeners;
    this.tell = tell;
    this.fold = null;
    this.isOver = false;
    this.leave = () => {};
    this.render = oncePerFrame(() => { if (!this.isOver) tell({fold: this.fold}); });
    this.again = atMostEvery(AGAIN_MS, () => { if (this.needsMore) { this.needsMore = false; this.read(); } });
  }

  async start() {
    await this.read();
    if (!this.isOver && this.fold && !isFinal(this.fold.execution.status)) this.follow();
    else if (!this.fold && !this.isOver) this.retry = setTimeout(() => this.start(), AGAIN_MS);
  }

  /** Read the state, which may be newer than the last event that came, but never older. */
  async read() {
    try {
      const view = await get(`executions/${this.id}/view`);
      if (this.isOver || (this.fold && view.last_sequence < this.fold.last)) return;
      this.fold = new Fold(view);
      this.tell({fold: this.fold, problem: null});
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (!this.isOver && !(this.fold && problem.isPassing)) this.tell({problem});
      if (!problem.isPassing) this.stop();
    }
  }

  follow() {
    this.leave();
    this.leave = follow({channel: `execution:${this.id}`, after: this.fold.last, onEvent: event => this.take(event), onReset: () => this.catchUp(), poll: () => this.poll()});
  }

  /** Something was missed: read the state again, and follow behind it. What comes meanwhile comes again. */
  async catchUp() {
    if (this.isCatchingUp) return;
    this.isCatchingUp = true;
    await this.start();
    this.isCatchingUp = false;
  }

  take(event) {
    if (this.isCatchingUp) return;
    const result = this.fold.apply(event);
    if (result === "gap") { this.catchUp(); return; }
    for (const listener of this.listeners) listener(event);
    if (result === "known") return;
    // What an event does not say, as the percentage of a task, is read now and then.
    if (event.type === "task_progressed") { this.needsMore = true; this.again(); }
    if (isFinal(event.status)) { this.leave(); this.read(); }
    this.render();
  }

  async poll() {
    if (this.isPolling) return;
    this.isPolling = true;
    try {
      const page = await get(`executions/${this.id}/events`, {after: this.fold.last, limit: 1000});
      for (const event of page.items) this.take(event);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
    } finally {
      this.isPolling = false;
    }
  }

  stop() {
    this.isOver = true;
    clearTimeout(this.retry);
    this.again.stop();
    this.leave();
  }
}
