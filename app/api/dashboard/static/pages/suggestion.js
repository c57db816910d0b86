// One suggestion: why, what would change, what is expected of it, and what came of it.
import {html, useEffect, useMemo} from "../lib/html.js";
import {href} from "../lib/router.js";
import {follow} from "../lib/live.js";
import {useResource} from "../lib/resource.js";
import {UNITS, inUnit, predictions, ruleOf} from "../lib/suggestions.js";
import {patched} from "../lib/json-patch.js";
import {workflows} from "../lib/names.js";
import {Decisions} from "../parts/decision.js";
import {Evidence} from "../parts/evidence.js";
import {JsonDiff} from "../parts/json-diff.js";
import {Loaded} from "../parts/problem.js";
import {EffectVerdict, SuggestionStatus} from "../parts/suggestion-state.js";
import {Time} from "../parts/time.js";

const EVERY_MS = 15_000;

export function Page({id}) {
  const found = useResource(`suggestions/${id}`, {}, {everyMs: EVERY_MS});
  useEffect(() => follow({channel: "suggestions", onEvent: found.reload, poll: found.reload}), [found.reload]);
  return html`<${Loaded} of=${found}>${data => html`<${Suggestion} suggestion=${data} onChange=${found.reload}/>`}<//>`;
}

function Suggestion({suggestion, onChange}) {
  return html`<div class="page-head"><h1>${suggestion.title}</h1><${SuggestionStatus} status=${suggestion.status} big/>
      <${Decisions} suggestion=${suggestion} onChange=${onChange}/></div>
    <p class="lead soft rationale">${suggestion.rationale}</p>
    <div class="two-columns"><div class="stack">
        ${suggestion.evidence && html`<${Evidence} suggestion=${suggestion}/>`}<${Change} suggestion=${suggestion}/></div>
      <div class="stack">${suggestion.status !== "open" && html`<${Decided} suggestion=${suggestion}/>`}
        ${suggestion.applied_revision !== null && html`<${Effect} effect=${suggestion.effect}/>`}<${Expected} suggestion=${suggestion}/><${Facts} suggestion=${suggestion}/></div></div>`;
}

function Change({suggestion}) {
  const {patch, workflow_id: workflow, applied_revision: applied, task} = suggestion;
  return html`<section class="box"><header><h2>Change</h2></header><div class="in">
    ${patch === null ? html`<p class="faint">This is advice: there is nothing that could be applied.</p>`
      : applied !== null ? html`<${AppliedChange} workflow=${workflow} revision=${applied}/>` : html`<${WantedChange} workflow=${workflow} patch=${patch} task=${task}/>`}</div></section>`;
}

/** The patch on what is there now, which approving would do. */
function WantedChange({workflow, patch, task}) {
  const now = useResource(`workflows/${workflow}`);
  return html`<${Loaded} of=${now}>${data => html`<${Preview} document=${data} patch=${patch} task=${task}/>`}<//>`;
}

function Preview({document, patch, task}) {
  const [after, refusal] = useMemo(() => {
    try { return [patched(document, patch), null]; } catch (error) { return [null, error.message]; }
  }, [document, patch]);
  if (refusal) return html`<p class="note">It does not fit revision ${document.revision}: ${refusal}.</p>`;
  return html`<p class="lead faint">What approving would change in ${task ? html`task <strong>${task}</strong> of ` : ""}revision ${document.revision}.</p><${JsonDiff} before=${document} after=${after}/>`;
}

function AppliedChange({workflow, revision}) {
  const before = useResource(`workflows/${workflow}/revisions/${revision - 1}`), after = useResource(`workflows/${workflow}/revisions/${revision}`);
  return html`<p class="lead faint">Revision ${revision}, which the approval has made, beside the one before.</p>
    <${Loaded} of=${before}>${old => html`<${Loaded} of=${after}>${made => html`<${JsonDiff} before=${old} after=${made}/>`}<//>`}<//>`;
}

function Decided({suggestion}) {
  const {status, decided_at: at, decided_by: by, notes, applied_revision: applied, workflow_id: workflow} = suggestion;
  const rows = [["When", html`<${Time} at=${at}/>`], ["Who", by && html`<span class="mono">${by}</span>`],
    ["Revision", applied !== null && html`<a href=${href(`/workflows/${workflow}`)}>${applied}</a>`]].filter(([, value]) => value);
  return html`<section class="box"><header><h2>${status === "stale" ? "Holds no longer" : "Decision"}</h2></header><div class="in stack"><dl class="facts">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    ${notes && html`<p>${notes}</p>`}</div></section>`;
}

/** What came of it. It is looked at after 30, 100 and 300 executions. */
function Effect({effect}) {
  if (!effect) return html`<section class="box"><header><h2>Effect</h2></header><div class="in stack"><${EffectVerdict} verdict="too few yet"/><p class="faint">It is looked at after 30, 100 and 300 executions.</p></div></section>`;
  const unit = effect.measure === "share" ? UNITS.SHARE : UNITS.SECONDS, isKnown = effect.change !== undefined;
  const value = number => inUnit(number, unit), difference = number => value(number).replace("%", "points"), sample = one => (Array.isArray(one) ? `${one[0]} of ${one[1]} (${value(one[1] ? one[0] / one[1] : 0)})` : `n = ${one}`);
  const rows = [["Executions since", effect.executions], effect.before !== undefined && ["Before", sample(effect.before)], effect.after !== undefined && ["Since", sample(effect.after)],
    effect.median_before !== undefined && ["Median", `${value(effect.median_before)} → ${value(effect.median_after)}`],
    isKnown && ["Difference", `${difference(effect.change)}, between ${difference(effect.low)} and ${difference(effect.high)}`]].filter(Boolean);
  return html`<section class="box"><header><h2>Effect</h2></header><div class="in stack"><${EffectVerdict} verdict=${effect.verdict}/>
    <dl class="facts">${rows.map(([name, shown]) => html`<div key=${name}><dt>${name}</dt><dd>${shown}</dd></div>`)}</dl></div></section>`;
}

function Expected({suggestion}) {
  const list = predictions(suggestion.prediction);
  if (suggestion.seconds_a_day > 0) list.push(["saved a day", inUnit(suggestion.seconds_a_day, UNITS.SECONDS)]);
  if (!list.length) return null;
  return html`<section class="box"><header><h2>Expected</h2></header><dl class="facts in">${list.map(([words, value]) => html`<div key=${words}><dt>${words}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}

function Facts({suggestion}) {
  const {workflow_id: workflow, task, rule, source, created_at: at, created_by: by, undoes_id: undoes} = suggestion;
  const rows = [["Workflow", html`<a href=${href(`/workflows/${workflow}`)}>${workflows.text(workflow)}</a>`], ["Task", task && html`<span class="mono">${task}</span>`],
    ["Rule", ruleOf(rule).name], ["From", source === "history" ? "the histories" : by || "others"], ["Made", html`<${Time} at=${at}/>`],
    ["Would take back", undoes !== null && html`<a href=${href(`/suggestions/${undoes}`)}>suggestion ${undoes}</a>`]].filter(([, value]) => value);
  return html`<section class="box" aria-label="Facts"><dl class="facts in">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}
