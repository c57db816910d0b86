// The newest execution of each of several workflows, kept up to date by events.
import {get} from "./api.js";
import {atMostEvery} from "./frames.js";
import {useEffect, useRef, useState} from "./html.js";
import {followOn} from "./follow-on.js";
import {may} from "./session.js";

const AT_ONCE = 4, EVERY_MS = 500, POLL_MS = 15_000;

/** A Map from the ids of workflows to {id, status, created_at}, or null for one that has no execution. */
export function useNewest(workflowIds) {
  const [found, setFound] = useState(new Map());
  const key = workflowIds.join(), held = useRef(new Map());
  useEffect(() => {
    if (!may("executions:read") || !workflowIds.length) return undefined;
    let isCurrent = true;
    const wanted = new Set(workflowIds);
    const show = atMostEvery(EVERY_MS, () => isCurrent && setFound(new Map(held.current)));
    const take = one => {
      const known = held.current.get(one.workflow_id);
      if (known && known.id > one.id) return;  // ids rise with time
      held.current.set(one.workflow_id, {created_at: one.created_at, ...(known?.id === one.id ? known : {}), id: one.id, status: one.status});
      show();
    };
    const readAll = () => inTurns([...wanted], async id => {
      const page = await get("executions", {workflow_id: id, limit: 1});
      if (!isCurrent) return;
      if (page.items.length) take(page.items[0]);
      else if (!held.current.has(id)) { held.current.set(id, null); show(); }
    }).catch(() => {});
    const again = atMostEvery(POLL_MS, readAll);
    again();
    const stop = followOn({
      channel: "executions", onReset: again, poll: again,
      onEvent: event => wanted.has(event.workflow_id) && take({...event, id: event.execution_id, created_at: event.occurred_at}),
    });
    return () => { isCurrent = false; show.stop(); again.stop(); stop(); };
  }, [key]);
  return found;
}

/** Do `work(item)` for all, a few at once. */
async function inTurns(items, work) {
  const rest = [...items];
  const one = async () => { while (rest.length) await work(rest.shift()); };
  await Promise.all(Array.from({length: AT_ONCE}, one));
}
