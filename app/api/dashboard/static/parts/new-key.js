// Making a key, and showing its text: once, here, and never again.
import {html, useEffect, useRef, useState} from "../lib/html.js";
import {post} from "../lib/api.js";
import {may, me} from "../lib/session.js";
import {ROLES, grouped} from "../lib/scopes.js";
import {Copy} from "./copy.js";
import {Dialog} from "./dialog.js";

const LIFETIMES = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["365", "a year"], ["", "no end"]];
const wordsOf = text => text.split(/[\s,]+/).filter(Boolean);

export function NewKey({onClose, onMade}) {
  const [by, setBy] = useState("role");
  const submit = async event => onMade(await post("keys", bodyOf(new FormData(event.target), by)));
  return html`<${Dialog} title="New key" action="Make the key" onSubmit=${submit} onClose=${onClose}>
    <label class="field">Name<input name="name" required maxlength="200" placeholder="nightly reports" autofocus autocomplete="off"/></label>
    <fieldset class="choices"><legend>What it allows</legend>
      <div class="row" role="group" aria-label="By role or by scopes">${["role", "scopes"].map(one => html`<button key=${one} type="button" class="chip" aria-pressed=${by === one} onClick=${() => setBy(one)}>By ${one}</button>`)}</div>
      ${by === "role" ? html`<${RoleChoice}/>` : html`<${ScopeChoice}/>`}</fieldset>
    <div class="field-row"><label class="field">Only workflows that match<input name="workflows" placeholder="all, or reports-*" spellcheck=${false}/></label>
      <label class="field">Groups<input name="groups" placeholder="processor, auditor" spellcheck=${false}/></label></div>
    <div class="field-row"><label class="field">Valid for<select name="days">${LIFETIMES.map(([days, words]) => html`<option key=${days} value=${days} selected=${days === "90"}>${words}</option>`)}</select></label>
      <label class="field">Requests per minute<input name="rate" type="number" min="1" placeholder="as the settings say"/></label></div><//>`;
}

function bodyOf(form, by) {
  const days = form.get("days"), rate = form.get("rate"), workflows = form.get("workflows").trim();
  return {
    name: form.get("name").trim(), ...(by === "role" ? {role: form.get("role")} : {scopes: form.getAll("scope")}),
    workflows: workflows || null, groups: wordsOf(form.get("groups")), expires_in_days: days ? Number(days) : null, rate_limit: rate ? Number(rate) : null,
  };
}

function RoleChoice() {
  return ROLES.filter(({mark}) => may(mark)).map(({role, words}) => html`<label key=${role} class="choice"><input type="radio" name="role" value=${role} checked=${role === "viewer"}/>
    <span><strong>${role}</strong> <span class="faint">${words}</span></span></label>`);
}

function ScopeChoice() {
  return html`<div class="scopes">${grouped(me.value.scopes).map(([thing, scopes]) => html`<div key=${thing}>${scopes.map(scope => html`
    <label key=${scope} class="choice"><input type="checkbox" name="scope" value=${scope}/><span class="mono">${scope}</span></label>`)}</div>`)}</div>`;
}

/** Stays open until a person says that the text is stored. */
export function Secret({made, onClose}) {
  const [isStored, setStored] = useState(false), box = useRef(null);
  useEffect(() => { box.current.select(); }, []);
  return html`<${Dialog} title=${`The key “${made.name}”`} action="Done" disabled=${!isStored} onSubmit=${() => {}} onClose=${onClose} keep>
    <p>This is the only time that its text is shown. Store it where secrets are kept.</p>
    <div class="row secret"><input ref=${box} class="grow mono" readonly value=${made.key} aria-label="The text of the key" onFocus=${event => event.currentTarget.select()}/><${Copy} text=${made.key} bare=${false} what="Copy the key"/></div>
    <label class="choice"><input type="checkbox" checked=${isStored} onChange=${event => setStored(event.currentTarget.checked)}/><span>I have stored it</span></label><//>`;
}
