// Work that is done once per animation frame, however often it is asked for. A hidden tab has no frames, so there it
// is done after a second.
const HIDDEN_MS = 1000;

export function oncePerFrame(work) {
  let asked = false;
  const run = () => { asked = false; work(); };
  return () => {
    if (asked) return;
    asked = true;
    if (document.hidden) setTimeout(run, HIDDEN_MS);
    else requestAnimationFrame(run);
  };
}

/** Do something at most every `ms`, now or at the end of the pause. Has `stop()`. */
export function atMostEvery(ms, work) {
  let timer = null, asked = false;
  const run = () => {
    asked = false;
    timer = setTimeout(() => { timer = null; if (asked) run(); }, ms);
    work();
  };
  const ask = () => { asked = true; if (timer === null) run(); };
  ask.stop = () => { clearTimeout(timer); timer = -1; };
  return ask;
}
