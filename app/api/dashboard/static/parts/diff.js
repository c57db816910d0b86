// Two texts, line by line: what is gone has a minus, what is new has a plus.
import {html, cls, useEffect, useMemo, useState} from "../lib/html.js";
import {hunks, lineDiff} from "../lib/diff.js";

const WORDS = {"-": "removed", "+": "added"};

export function Diff({before, after, label}) {
  const shown = useMemo(() => hunks(lineDiff(before, after)), [before, after]);
  const [opened, setOpened] = useState(new Set());
  useEffect(() => setOpened(new Set()), [shown]);
  if (!shown.some(row => WORDS[row.kind])) return html`<p class="faint">There is no difference.</p>`;
  return html`<div class="scroll diff" role="region" tabindex="0" aria-label=${label}><table><tbody>
    ${shown.map((row, index) => (row.kind !== "…" ? html`<${Line} key=${index} row=${row}/>`
      : opened.has(index) ? row.lines.map(line => html`<${Line} key=${`${index}.${line.left}`} row=${line}/>`)
        : html`<tr key=${index} class="more"><td colspan="3"><button type="button" class="bare tiny" onClick=${() => setOpened(was => new Set(was).add(index))}>${row.lines.length} unchanged ${row.lines.length === 1 ? "line" : "lines"}</button></td></tr>`))}
  </tbody></table></div>`;
}

const Line = ({row}) => html`<tr class=${cls(row.kind === "-" && "gone", row.kind === "+" && "new")}>
  <td class="at">${row.left}</td><td class="at">${row.right}</td>
  <td class="text"><span class="sign" aria-hidden="true">${row.kind}</span>${WORDS[row.kind] && html`<span class="sr">${WORDS[row.kind]}: </span>`}${row.text}</td></tr>`;
