// The definition of a workflow as a text, in YAML or JSON. It is checked by the service while it is written.
import {html, useEffect, useRef, useState} from "../lib/html.js";
import {go, href} from "../lib/router.js";
import {change, get, read} from "../lib/api.js";
import {may} from "../lib/session.js";
import {Diff} from "../parts/diff.js";
import {Editor} from "../parts/editor.js";
import {Empty, ProblemBox} from "../parts/problem.js";
import {tell} from "../parts/toast.js";
import {Conflict} from "./workflow-editor/conflict.js";
import {drafts} from "./workflow-editor/drafts.js";
import {useVerdict, Verdict} from "./workflow-editor/verdict.js";

const TYPES = {yaml: "application/yaml", json: "application/json"}, PRECONDITION_FAILED = 412;
const NEW = `name: My workflow
key: my-workflow
tasks:
  - name: greet
    execution_type: sync
    type: log
    config:
      message: "Hello \${has(input.name) ? input.name : 'you'}"
`;

export function Page({id = null}) {
  const [base, setBase] = useState(null), [problem, setProblem] = useState(null), kept = useRef(null);
  useEffect(() => {
    const opened = id === null ? Promise.resolve({text: NEW, language: "yaml", etag: null, revision: 0}) : stored(id, "yaml");
    opened.then(found => { kept.current = drafts.find(id, found); setBase(begunFrom(found, kept.current)); }, setProblem);
  }, [id]);
  if (!may("definitions:write")) return html`<${Empty} title="You may not change workflows"><p>That needs the scope <code>definitions:write</code>.</p><//>`;
  if (problem) return html`<${ProblemBox} problem=${problem}/>`;
  return base ? html`<${Writing} id=${id} kept=${kept.current} base=${base} setBase=${setBase}/>` : html`<p class="empty" aria-busy="true">Loading …</p>`;
}

/** The current revision as a text, with the ETag that a change of it needs. */
export async function stored(id, language) {
  const {body, etag} = await read(`workflows/${encodeURIComponent(id)}`);
  const file = await get(`workflows/${body.id}/revisions/${body.revision}/file`, {format: language});
  return {id: body.id, name: body.name, revision: body.revision, etag, language, text: typeof file === "string" ? file : JSON.stringify(file, null, 2) + "\n"};
}

/** A text that was kept is saved as a change of the revision from which it was written, so that it undoes no later one. */
const begunFrom = (found, kept) => (kept ? {...found, etag: kept.etag, revision: kept.revision, current: found} : found);

function Writing({id, kept, base, setBase}) {
  const [text, setText] = useState(kept?.text ?? base.text), [language, setLanguage] = useState(kept?.language ?? base.language);
  const [problem, setProblem] = useState(null), [conflict, setConflict] = useState(null), [isBusy, setBusy] = useState(false), [compares, setCompares] = useState(false);
  const [wasKept, setWasKept] = useState(Boolean(kept)), handle = useRef(null), verdict = useVerdict(text, TYPES[language]);
  const isChanged = text !== base.text, heading = id === null ? "New workflow" : `Edit ${base.name}`;
  useEffect(() => drafts.keep(id, isChanged ? {text, language, etag: base.etag, revision: base.revision} : null), [text, language, isChanged, base.etag]);
  useLeaveWarning(isChanged);
  const save = async (etag = base.etag) => {
    setBusy(true);
    setProblem(null);
    try {
      saved(await send(id, text, TYPES[language], etag), base);
      drafts.keep(id, null);
    } catch (error) {
      if (error.status === PRECONDITION_FAILED) await stored(id, language).then(setConflict, setProblem);
      else setProblem(error);
    }
    setBusy(false);
  };
  const turn = async to => {
    try {
      const found = isChanged ? await convert(text, TYPES[language], to) : (await storedIn(id, base, to)).text;
      if (found === null) { tell("It can be shown as the other language when its problems are solved", "bad"); return; }
      if (!isChanged) setBase({...base, text: found, language: to});
      setText(found);
      setLanguage(to);
    } catch (error) { tell(error.detail, "bad"); }
  };
  const take = ({revision, etag}, theirs = null) => {  // go on from what others have saved
    setBase({...conflict, revision, etag});
    if (theirs !== null) setText(theirs);
    setConflict(null);
    setWasKept(false);
  };
  return html`<div class="page-head"><div class="titles"><h1>${heading}</h1><p class="faint">${id !== null && html`from revision ${base.revision} · `}<a href=${id === null ? href("/workflows") : href(`/workflows/${base.id}`)}>leave</a></p></div>
      <div class="end"><div class="switch" role="group" aria-label="Language">${["yaml", "json"].map(one => html`<button type="button" key=${one} aria-pressed=${language === one} onClick=${() => one !== language && turn(one)}>${one.toUpperCase()}</button>`)}</div>
        ${id !== null && html`<button type="button" aria-pressed=${compares} disabled=${!isChanged} onClick=${() => setCompares(!compares)}>Changes</button>`}
        <button type="button" class="primary" disabled=${isBusy || (id !== null && !isChanged)} onClick=${() => save()}>${isBusy ? "…" : id === null ? "Create" : "Save"}</button></div></div>
    <div class="stack">
    ${wasKept && html`<div class="note row wrap" role="status"><span class="grow">Your unsaved text of before is here again.</span><button type="button" class="tiny" onClick=${() => { setBase(base.current); setText(base.text); setLanguage(base.language); setWasKept(false); }}>Discard it</button></div>`}
    <${ProblemBox} problem=${problem}/>
    ${conflict && html`<${Conflict} base=${base} theirs=${conflict} mine=${text} language=${language} onOverwrite=${() => { take(conflict); save(conflict.etag); }} onTakeTheirs=${() => take(conflict, conflict.text)} onContinue=${() => take(conflict)}/>`}
    ${compares && isChanged && html`<section class="box"><header><h2>Your changes to revision ${base.revision}</h2></header><div class="in"><${Diff} before=${base.text} after=${text} label="Your changes"/></div></section>`}
    <div class="editing"><${Editor} text=${text} language=${language} problems=${verdict.marks} onChange=${setText} onSave=${() => isChanged && save()} label="Definition in ${language.toUpperCase()}" handle=${handle}/>
      <${Verdict} of=${verdict} onGoTo=${one => handle.current?.goTo(one.line, one.column)}/></div></div>`;
}

async function send(id, text, type, etag) {
  if (id === null) return change("POST", "workflows", text, {headers: {"Content-Type": type}});
  return change("PUT", `workflows/${encodeURIComponent(id)}`, text, {etag, headers: {"Content-Type": type}});
}

function saved(workflow, base) {
  const warnings = workflow.warnings?.length ? `, with ${workflow.warnings.length === 1 ? "a warning" : `${workflow.warnings.length} warnings`}: ${workflow.warnings[0].message}` : "";
  tell(workflow.revision === base.revision ? "Nothing has changed" : `Saved as revision ${workflow.revision}${warnings}`);
  go(href(`/workflows/${workflow.id}`));
}

const storedIn = (id, base, language) => (id === null ? convert(base.text, TYPES[base.language], language).then(text => ({text})) : stored(id, language));

/** The same definition in the other language; null if it cannot be read. */
async function convert(text, type, language) {
  return (await change("POST", `workflows/validate?file=${language}`, text, {headers: {"Content-Type": type}})).file;
}

function useLeaveWarning(isChanged) {
  useEffect(() => {
    if (!isChanged) return undefined;
    const warn = event => event.preventDefault();
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, [isChanged]);
}
