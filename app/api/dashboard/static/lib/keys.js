// The keyboard: one listener for the page. Keys never work while a person types, or while a dialog is open.
import {useEffect, useRef} from "./html.js";

const NEXT_MS = 1200;
const held = [];
let first = "", firstAt = 0;

/** Bind keys while a component is on the page: `useKeys({j: next, "g e": …})`. The newest binding counts. */
export function useKeys(bindings) {
  const box = useRef(bindings);
  box.current = bindings;
  useEffect(() => {
    held.push(box);
    return () => { held.splice(held.indexOf(box), 1); };
  }, []);
}

function press(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target.matches?.("input, select") && !document.querySelector("dialog[open]")) event.target.blur();
  const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]");
  if (typing || document.querySelector("dialog[open]")) return;
  const pair = Date.now() - firstAt < NEXT_MS ? `${first} ${event.key}` : "";
  const found = find(pair) || find(event.key);
  [first, firstAt] = [event.key, Date.now()];
  if (!found) return;
  if (found(event) !== false) event.preventDefault();
  first = "";
}

function find(name) {
  for (let index = held.length - 1; index >= 0; index -= 1) {
    if (name && held[index].current[name]) return held[index].current[name];
  }
  return null;
}

export const startKeys = () => document.addEventListener("keydown", press);
