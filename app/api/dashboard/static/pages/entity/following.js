// An entity and its history, kept up to date by its channel.
import {get, Problem} from "../../lib/api.js";
import {atMostEvery} from "../../lib/frames.js";
import {useCallback, useEffect, useRef, useState} from "../../lib/html.js";
import {follow} from "../../lib/live.js";
import {useResource} from "../../lib/resource.js";

const PIECE = 200, EVERY_MS = 250, AGAIN_MS = 3000, RESYNC = "resync";

/** {entity, events, older, hasOlder, problem, reload}: `entity` is a resource, `events` newest last. */
export function useEntity(id) {
  const path = `entities/${encodeURIComponent(id)}`, entity = useResource(path);
  const [events, setEvents] = useState([]), [problem, setProblem] = useState(null), held = useRef([]);
  const show = useCallback(list => { held.current = list; setEvents(list); }, []);
  const isRead = entity.data !== null;
  useEffect(() => {
    if (!isRead) return undefined;
    let stop = () => {}, timer = null, isCurrent = true;
    const again = atMostEvery(EVERY_MS, entity.reload);
    const take = event => {
      const last = held.current.at(-1)?.sequence ?? 0;
      if (event.sequence > last) show([...held.current, event]);
      again();
    };
    const readOn = async () => {  // what follows the last known event, or the newest ones
      try {
        const after = held.current.at(-1)?.sequence ?? Math.max(0, (await get(path)).sequence - PIECE);
        const page = await get(`${path}/events`, {after, limit: PIECE});
        if (!isCurrent) return;
        page.items.forEach(take);
        if (page.items.length === PIECE) await readOn();
        setProblem(null);
      } catch (error) { if (isCurrent) setProblem(error); }
    };
    const lost = ({code, message}) => {  // read on at once if too much has happened, and soon if it is refused
      if (code !== RESYNC) setProblem(new Problem(0, {code, detail: message}));
      clearTimeout(timer);
      timer = setTimeout(begin, code === RESYNC ? 0 : AGAIN_MS);
    };
    const begin = async () => {
      stop();
      await readOn();
      if (isCurrent) stop = follow({channel: `entity:${id}`, after: held.current.at(-1)?.sequence ?? 0, onEvent: take, onReset: lost, poll: readOn});
    };
    begin();
    return () => { isCurrent = false; clearTimeout(timer); again.stop(); stop(); };
  }, [id, isRead]);
  const older = async () => {
    const first = held.current[0]?.sequence ?? 1, after = Math.max(0, first - 1 - PIECE);
    const page = await get(`${path}/events`, {after, limit: first - 1 - after});
    show([...page.items, ...held.current]);
  };
  return {entity, events, older, hasOlder: (events[0]?.sequence ?? 1) > 1, problem, reload: entity.reload};
}
