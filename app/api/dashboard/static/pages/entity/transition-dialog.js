// Move an entity. What the service would say is shown while the form is filled in.
import {html, useEffect, useRef, useState} from "../../lib/html.js";
import {get, post} from "../../lib/api.js";
import {may} from "../../lib/session.js";
import {asked, conditionsOf} from "../../lib/machine.js";
import {objectOf} from "../../lib/schema.js";
import {Dialog} from "../../parts/dialog.js";
import {JsonField} from "../../parts/schema-form.js";
import {Sign} from "../../parts/status.js";
import {tell} from "../../parts/toast.js";

const IDLE_MS = 300;

/** Numbers, true, false, null, lists and objects as JSON; anything else is a text. */
function valueOf(text) {
  try { return JSON.parse(text); } catch { return text; }
}

export function TransitionDialog({entity, machine, transition, titles, onClose, onDone}) {
  const first = useRef(entity).current, {fields, transition: defined} = asked(machine, first.state, transition.name);
  const [texts, setTexts] = useState({}), [more, setMore] = useState("{}"), [notes, setNotes] = useState(""), [patch, setPatch] = useState(""), [person, setPerson] = useState("");
  const others = objectOf(more), data = objectOf(patch), isValid = !others.error && !data.error;
  const context = {...others.value, ...Object.fromEntries(fields.filter(name => texts[name]?.trim()).map(name => [name, valueOf(texts[name])]))};
  const verdict = useVerdict(entity, transition, context, person.trim());
  const move = async () => {
    const body = {transition: transition.name, context, notes: notes.trim() || null, expected_sequence: first.sequence, idempotency_key: keyOf(), ...(patch.trim() && {data: data.value}), ...(person.trim() && {executed_by: person.trim()})};
    const {state} = await post(`entities/${entity.id}/transitions`, body);
    tell(`It is in ${titles.get(state) || state} now`);
    onDone();
  };
  const keyOf = useKey();
  return html`<${Dialog} title="${transition.name}: ${titles.get(first.state) || first.state} → ${titles.get(transition.to) || transition.to}" action="Move" disabled=${!isValid} onSubmit=${move} onClose=${onClose}>
    ${entity.sequence !== first.sequence && html`<p class="note" role="alert">It has changed meanwhile: it is in <strong>${titles.get(entity.state) || entity.state}</strong>. Go back and look again.</p>`}
    ${defined && conditionsOf(defined).length > 0 && html`<ul class="conditions soft">${conditionsOf(defined).map(one => html`<li key=${one}>${one}</li>`)}</ul>`}
    ${fields.map(name => html`<label class="field" key=${name}>${name}<input value=${texts[name] || ""} placeholder=${entity.data[name] === undefined ? "" : `${JSON.stringify(entity.data[name])} in the data`} onInput=${event => setTexts({...texts, [name]: event.currentTarget.value})} autocomplete="off"/></label>`)}
    <label class="field">Notes<input value=${notes} onInput=${event => setNotes(event.currentTarget.value)} placeholder="kept in the history"/></label>
    <details><summary>More</summary><div class="stack in-details"><${JsonField} label="Further context" text=${more} onInput=${setMore} error=${others.error} rows=${3}/>
      <${JsonField} label="Changes of the data" text=${patch} onInput=${setPatch} error=${data.error} rows=${3} about="a merge patch: null removes a field"/>
      ${may("machines:impersonate") && html`<label class="field">For whom<input value=${person} onInput=${event => setPerson(event.currentTarget.value)} autocomplete="off"/></label>`}</div></details>
    <div role="status"><${Shown} verdict=${verdict}/></div><//>`;
}

/** One key for all tries of this dialog, so that an answer that was lost does not move it twice. */
function useKey() {
  const key = useRef(null);
  return () => (key.current ??= `ui-${Array.from(crypto.getRandomValues(new Uint32Array(4)), number => number.toString(36)).join("")}`);
}

function useVerdict(entity, transition, context, person) {
  const [verdict, setVerdict] = useState(null), text = JSON.stringify(context);
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(async () => {
      try {
        const {items} = await get(`entities/${entity.id}/transitions`, {context: text, executed_by: person});
        if (isCurrent) setVerdict(items.find(one => one.name === transition.name) || null);
      } catch { if (isCurrent) setVerdict(null); }
    }, IDLE_MS);
    return () => { isCurrent = false; clearTimeout(timer); };
  }, [entity.id, entity.sequence, transition.name, text, person]);
  return verdict;
}

function Shown({verdict}) {
  if (!verdict) return null;
  if (verdict.allowed) return html`<span class="st st-completed"><${Sign} status="completed"/>nothing blocks it</span>`;
  return html`<div class="blocked"><span class="st st-retrying"><${Sign} status="paused"/>blocked by</span><ul class="blocks">${verdict.blocked_by.map(one => html`<li key=${one}>${one}</li>`)}</ul></div>`;
}
