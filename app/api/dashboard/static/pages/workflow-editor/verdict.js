// What the service says about a definition, 400 ms after the last key.
import {html, cls, useEffect, useRef, useState} from "../../lib/html.js";
import {change} from "../../lib/api.js";
import {Sign} from "../../parts/status.js";

const IDLE_MS = 400, BAD_REQUEST = 400;

/** {state: "checking" | "valid" | "invalid" | "unknown", marks: [{line, column, path, message, severity}]} */
export function useVerdict(text, type) {
  const [verdict, setVerdict] = useState({state: "checking", marks: []}), asked = useRef(0);
  useEffect(() => {
    const number = ++asked.current;
    setVerdict(was => ({...was, state: "checking"}));
    const timer = setTimeout(async () => {
      const found = await checked(text, type);
      if (number === asked.current) setVerdict(found);
    }, IDLE_MS);
    return () => clearTimeout(timer);
  }, [text, type]);
  useEffect(() => () => { asked.current = -1; }, []);
  return verdict;
}

async function checked(text, type) {
  try {
    const {valid, problems, warnings} = await change("POST", "workflows/validate?places=true", text, {headers: {"Content-Type": type}});
    return {state: valid ? "valid" : "invalid", marks: [...problems.map(one => ({...one, severity: "error"})), ...warnings.map(one => ({...one, severity: "warning"}))]};
  } catch (problem) {
    if (problem.status !== BAD_REQUEST) return {state: "unknown", marks: [], why: problem.detail};
    const {line = 1, column = 1} = problem.document;
    return {state: "invalid", marks: [{line, column, path: "", message: problem.detail, severity: "error"}]};
  }
}

const SIGNS = {error: "failed", warning: "retrying"}, WORDS = {error: "problem", warning: "warning"};

export function Verdict({of: {state, marks, why}, onGoTo}) {
  return html`<section class="verdict" aria-label="Problems"><p role="status" class=${cls("row", `verdict-${state}`)}>${summary(state, marks, why)}</p>
    <ul>${marks.map((one, index) => html`<li key=${index}><button type="button" class=${cls("bare", `mark-${one.severity}`)} onClick=${() => onGoTo(one)}>
      <${Sign} status=${SIGNS[one.severity]}/><span class="sr">${WORDS[one.severity]}</span><span class="at">${one.line}:${one.column}</span>
      <span>${one.path && html`<code>${one.path}</code> `}${one.message}</span></button></li>`)}</ul></section>`;
}

function summary(state, marks, why) {
  if (state === "checking") return html`<span class="faint">checking …</span>`;
  if (state === "unknown") return html`<span class="bad">it could not be checked: ${why}</span>`;
  const count = kind => marks.filter(one => one.severity === kind).length, errors = count("error"), warnings = count("warning");
  const counted = [errors && `${errors} ${errors === 1 ? "problem" : "problems"}`, warnings && `${warnings} ${warnings === 1 ? "warning" : "warnings"}`].filter(Boolean).join(", ");
  return html`<span class="st st-${state === "valid" ? "completed" : "failed"}"><${Sign} status=${state === "valid" ? "completed" : "failed"}/>${state === "valid" ? "valid" : counted}</span>
    ${state === "valid" && warnings ? html`<span class="faint">${counted}</span>` : ""}`;
}
