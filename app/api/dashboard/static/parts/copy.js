// Copying texts.
import {html, useState} from "../lib/html.js";
import {tell} from "./toast.js";

export function Copy({text, label = "Copy", what = label, bare = true}) {
  const [isDone, setDone] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? await text() : text);
      setDone(true);
      setTimeout(() => setDone(false), 1500);
    } catch (error) {
      tell(error.detail || "the browser does not let this page copy", "bad");
    }
  };
  return html`<button type="button" class=${bare ? "bare tiny" : "tiny"} onClick=${copy} aria-label=${what}>${isDone ? "Copied" : label}</button>`;
}

/** An id: short on the screen, whole in the title and when copied. */
export const Id = ({id, short = true}) => html`<span class="mono" title=${id}>${short ? id.slice(-12) : id}</span>`;
