// To follow a channel whose events say only that something is to be read again.
import {follow} from "./live.js";

const AGAIN_MS = 3000, RESYNC = "resync";

/** As `follow`; when the channel cannot continue, it begins anew after `onReset`. Returns how to stop. */
export function followOn({onReset, ...options}) {
  let stop = () => {}, timer = null, isOver = false;
  const begin = () => {
    stop();
    stop = follow({...options, onReset: problem => {
      onReset(problem);
      clearTimeout(timer);
      if (!isOver) timer = setTimeout(begin, problem.code === RESYNC ? 0 : AGAIN_MS);
    }});
  };
  begin();
  return () => { isOver = true; clearTimeout(timer); stop(); };
}
