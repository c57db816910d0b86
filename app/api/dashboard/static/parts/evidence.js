// The evidence of a suggestion: the numbers, what the sample looks like, and whether they come out again.
import {html} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {millisOf} from "../lib/charts.js";
import {UNITS, bounds, inUnit, ruleOf, sentence} from "../lib/suggestions.js";
import {Days, Histogram, Intervals} from "./charts.js";
import {Json} from "./json.js";
import {ProblemBox} from "./problem.js";
import {Time} from "./time.js";

export function Evidence({suggestion}) {
  const {evidence, rule} = suggestion, {unit, what} = ruleOf(rule), text = value => inUnit(value, unit);
  return html`<section class="box"><header><h2>Evidence</h2><span class="end faint">n = ${evidence.n.toLocaleString()}${evidence.k !== null && `, k = ${evidence.k.toLocaleString()}`}</span></header>
    <div class="in stack"><p>${sentence(suggestion)}.</p>
      <${Intervals} rows=${rows(suggestion, what)} text=${text} round=${unit === UNITS.BYTES ? 1024 : 1} label="${text(evidence.estimate)} ${what}; ${bounds(evidence, unit)}"/>
      <${Sample} suggestion=${suggestion}/><${Numbers} evidence=${evidence} text=${text}/></div></section>`;
}

/** What was found, and below it what is expected, where both have the same unit. */
function rows({evidence, prediction, rule}, what) {
  const {estimate, low, high} = evidence, found = {title: what, estimate, low, high, tone: "running"};
  if (prediction.failure_share === undefined || rule !== "add_retries") return [found];
  return [found, {title: "would fail with retries", estimate: prediction.failure_share, low: prediction.failure_share_low, high: prediction.failure_share_high, tone: "completed"}];
}

function Numbers({evidence, text}) {
  const list = [
    ["Formula", html`<code>${evidence.formula}</code>`], ["Estimate", text(evidence.estimate)], ["At least", evidence.low === null ? "no bound" : text(evidence.low)],
    ["At most", evidence.high === null ? "no bound" : text(evidence.high)], ["Confidence", `${Math.round(100 * evidence.confidence)}\u00a0% for each bound`],
    ["p-value", evidence.p_value === 0 ? "below 10⁻³⁰⁰" : evidence.p_value.toPrecision(2)], ["Revision", evidence.revision], ["Computed", html`<${Time} at=${evidence.until}/>`],
    ["First execution", html`<a class="mono" href=${href(`/executions/${evidence.first_id}`)}>${evidence.first_id.slice(-12)}</a>`],
    ["Last execution", html`<a class="mono" href=${href(`/executions/${evidence.last_id}`)}>${evidence.last_id.slice(-12)}</a>`],
  ];
  return html`<details class="numbers"><summary>All numbers</summary><dl class="facts">${list.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <h3>What else the formula has used</h3><${Json} value=${evidence.facts}/></details>`;
}

function Sample({suggestion}) {
  const report = useResource(`suggestions/${suggestion.id}/evidence`);
  if (report.problem) return html`<${ProblemBox} problem=${report.problem} title="The sample cannot be read"/>`;
  if (!report.data) return html`<p class="faint" aria-busy="true">Computing it again from the histories …</p>`;
  return html`<${Shape} suggestion=${suggestion} observations=${report.data.observations}/><${Again} report=${report.data}/>`;
}

function Again({report: {same, recomputed}}) {
  if (same === true) return html`<p class="st st-completed">Computed again just now: the same numbers.</p>`;
  if (same === false) return html`<p class="note">Computed again just now from what is left of the sample, the numbers differ: n = ${recomputed.n}, estimate ${recomputed.estimate.toPrecision(3)}.</p>`;
  return html`<p class="note">Too few executions of the sample are left to compute it again.</p>`;
}

/** The sample itself: times as a histogram, failures day by day. */
function Shape({suggestion, observations}) {
  const {rule, evidence, prediction, patch} = suggestion, {unit} = ruleOf(rule), text = value => inUnit(value, UNITS.SECONDS);
  if (!observations.length) return null;
  if (rule === "set_timeout") {
    const times = attemptsOf(observations).filter(({attempt}) => attempt.outcome === "completed").map(({attempt}) => attempt.seconds);
    const limit = patch?.find(one => one.path.endsWith("/timeout_seconds") && one.op !== "test")?.value;
    const lines = [{at: evidence.high ?? evidence.estimate, title: "99 % within", tone: "running"}, limit && {at: limit, title: "limit", tone: "failed"}].filter(Boolean);
    return times.length > 0 && html`<h3>How long attempts took</h3><${Histogram} values=${times} lines=${lines} text=${text} label="${times.length} completed attempts by their time"/>`;
  }
  if (unit === UNITS.SECONDS) {
    const times = observations.filter(one => one.completed && one.seconds !== null).map(one => rule === "capacity" ? one.waited_seconds : one.seconds);
    const now = evidence.facts.execution_seconds, saved = prediction.seconds_per_execution;
    const lines = now && saved ? [{at: now, title: "median now", tone: "running"}, {at: now - saved, title: "expected", tone: "completed"}] : [];
    return times.length > 0 && html`<h3>${rule === "capacity" ? "How long executions waited" : "How long executions took"}</h3><${Histogram} values=${times} lines=${lines} text=${text} label="${times.length} completed executions by their time"/>`;
  }
  const isBad = {add_retries: "first", stop_useless_retries: "later", more_attempts: "later"}[rule];
  if (!isBad) return null;
  const seen = attemptsOf(observations).filter(({attempt}) => (isBad === "first" ? attempt.number === 1 : attempt.number > 1))
    .map(({at, attempt}) => ({at, isBad: attempt.outcome === "failed"}));
  return seen.length > 0 && html`<h3>${isBad === "first" ? "First attempts" : "Further attempts"} by day</h3><${Days} observations=${seen} all="others" bad="failed" label="${seen.filter(one => one.isBad).length} of ${seen.length} attempts failed, by day"/>`;
}

const attemptsOf = observations => observations.flatMap(one => one.runs.flatMap(run => run.attempts.map(attempt => ({at: millisOf(one.execution_id), attempt}))));
