// What to do when others have saved meanwhile (412): their changes, and what saving this text would make of them.
import {html, useState} from "../../lib/html.js";
import {useResource} from "../../lib/resource.js";
import {Diff} from "../../parts/diff.js";
import {Loaded} from "../../parts/problem.js";
import {Tabs} from "../../parts/tabs.js";
import {Ago} from "../../parts/time.js";

const TABS = [{key: "theirs", title: "Their changes"}, {key: "mine", title: "What saving yours would change"}];

export function Conflict({base, theirs, mine, onOverwrite, onTakeTheirs, onContinue}) {
  const [tab, setTab] = useState("theirs");
  const before = useResource(`workflows/${base.id}/revisions/${base.revision}/file`, {format: theirs.language});
  const revisions = useResource(`workflows/${base.id}/revisions`, {limit: 1}), newest = revisions.data?.items[0];
  return html`<section class="box conflict" role="alert" aria-label="Saved meanwhile"><header><h2>Revision ${theirs.revision} was saved meanwhile</h2>
      ${newest && html`<span class="faint"><${Ago} at=${newest.created_at}/>${newest.requested_by && ` by ${newest.requested_by}`}</span>`}</header>
    <div class="in stack"><p>Your text begins from revision ${base.revision}, so it was not saved. Nothing is lost: it is still in the editor.</p>
      <${Tabs} label="Differences" tabs=${TABS} chosen=${tab} onChoose=${setTab}>
        ${tab === "theirs" ? html`<${Loaded} of=${before}>${old => html`<${Diff} before=${asText(old)} after=${theirs.text} label="Their changes"/>`}<//>`
          : html`<${Diff} before=${theirs.text} after=${mine} label="What saving yours would change"/>`}<//>
      <div class="row wrap"><button type="button" onClick=${onContinue}>Continue with my text</button>
        <button type="button" onClick=${onTakeTheirs}>Take theirs</button>
        <button type="button" class="danger" onClick=${onOverwrite}>Save mine over it</button></div></div></section>`;
}

const asText = file => (typeof file === "string" ? file : JSON.stringify(file, null, 2) + "\n");
