// Deciding about a suggestion: approve, reject, take back.
import {html, useState} from "../lib/html.js";
import {post} from "../lib/api.js";
import {may} from "../lib/session.js";
import {Dialog} from "./dialog.js";
import {tell} from "./toast.js";

const WAYS = {
  approve: {title: "Approve", action: "Approve and apply", field: "notes", label: "Notes, for those who ask later", done: one => `Applied: revision ${one.applied_revision}`,
    text: "The change is applied to the current revision and becomes a new one. Executions that run keep theirs."},
  reject: {title: "Reject", action: "Reject", field: "reason", label: "Reason", done: () => "Rejected",
    text: "The same is not suggested again for 30 days, unless its evidence has doubled by then."},
  undo: {title: "Take back", action: "Take back", field: "notes", label: "Notes", done: () => "Taken back",
    text: "The old value comes back in a new revision. It is refused if the field was changed since."},
};

export function Decisions({suggestion, onChange}) {
  const [way, setWay] = useState(null);
  if (!may("definitions:write")) return null;
  const ways = {open: [suggestion.patch && "approve", "reject"], approved: [suggestion.applied_revision && "undo"]}[suggestion.status] || [];
  return html`<div class="end">${ways.filter(Boolean).map(one => html`<button key=${one} class=${one === "approve" ? "primary" : ""} onClick=${() => setWay(one)}>${WAYS[one].title}</button>`)}</div>
    ${way && html`<${Decide} way=${way} suggestion=${suggestion} onClose=${() => setWay(null)} onChange=${onChange}/>`}`;
}

function Decide({way, suggestion, onClose, onChange}) {
  const {title, action, field, label, text, done} = WAYS[way];
  const submit = async event => {
    const written = new FormData(event.target).get("text").trim();
    try {
      const decided = await post(`suggestions/${suggestion.id}/${way}`, written ? {[field]: written} : {});
      tell(done(decided));
      onChange();
    } catch (problem) {
      if (problem.code === "suggestion_stale") onChange();
      throw problem;
    }
  };
  return html`<${Dialog} title=${`${title}: ${suggestion.title}`} action=${action} onSubmit=${submit} onClose=${onClose}>
    <p class="soft">${text}</p><label class="field">${label}<textarea name="text" rows="3" maxlength="10000"></textarea></label><//>`;
}
