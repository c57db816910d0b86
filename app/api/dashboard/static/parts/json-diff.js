// Two JSON documents as one: which lines went, which came.
import {html, useMemo} from "../lib/html.js";
import {lineDiff} from "../lib/diff.js";
import {Diff} from "./diff.js";

const textOf = value => (value === null || value === undefined ? "" : JSON.stringify(value, null, 2));

export function JsonDiff({before, after, label = "What has changed"}) {
  const [old, current] = useMemo(() => [textOf(before), textOf(after)], [before, after]);
  const counts = useMemo(() => Object.groupBy(lineDiff(old, current), row => row.kind), [old, current]);
  return html`<p class="faint lead"><span class="ok">+${counts["+"]?.length ?? 0}</span> <span class="bad">−${counts["-"]?.length ?? 0}</span> lines</p>
    <${Diff} before=${old} after=${current} label=${label}/>`;
}
