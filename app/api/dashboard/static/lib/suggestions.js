// What the numbers of suggestions mean, by their rules.
import {duration} from "./time.js";

const SHARE = "share", SECONDS = "seconds", BYTES = "bytes";

/** unit: of the estimate. what: what was estimated. name: of the rule. */
const RULES = {
  add_retries: {name: "add retries", unit: SHARE, what: "first attempts failed for a passing reason"},
  set_timeout: {name: "set a time limit", unit: SECONDS, what: "99th percentile of completed attempts"},
  run_side_by_side: {name: "run side by side", unit: SECONDS, what: "saved per execution, median"},
  more_concurrency: {name: "more at a time", unit: SHARE, what: "part of the time in which all places were busy, median of the runs"},
  less_concurrency: {name: "fewer at a time", unit: SHARE, what: "elements failed because of too much load"},
  stop_useless_retries: {name: "stop useless retries", unit: SHARE, what: "further attempts succeeded"},
  more_attempts: {name: "more attempts", unit: SHARE, what: "last attempts succeeded"},
  never_reached: {name: "never reached", unit: SHARE, what: "executions ran it"},
  unread_output: {name: "unread output", unit: BYTES, what: "95th percentile of its outputs"},
  capacity: {name: "capacity", unit: SECONDS, what: "95th percentile of the wait for a place"},
};
const PLAIN = {unit: "", what: ""};

/** The unit of a rule's estimate: `share`, `seconds`, `bytes`. */
export const UNITS = {SHARE, SECONDS, BYTES};
export const ruleOf = rule => RULES[rule] || {...PLAIN, name: rule.replaceAll("_", " ")};
export const RULE_NAMES = Object.fromEntries(Object.entries(RULES).map(([rule, {name}]) => [rule, name]));

const digits = value => (value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : Number(value.toPrecision(3)).toLocaleString());

/** A number in its unit: `6.8 %`, `2.3 s`, `12 KiB`. */
export function inUnit(value, unit) {
  if (value < 0) return `−${inUnit(-value, unit)}`;
  if (unit === SHARE) return `${Number((100 * value).toPrecision(3))}\u00a0%`;
  if (unit === SECONDS && value === 0) return "0\u00a0s";
  if (unit === SECONDS) return value >= 1 && value < 59.5 ? `${Number(value.toPrecision(3))}\u00a0s` : duration(value);
  if (unit === BYTES) return value < 2 ** 20 ? `${(value / 1024).toFixed(0)}\u00a0KiB` : `${(value / 2 ** 20).toFixed(1)}\u00a0MiB`;
  return digits(value);
}

/** `at least 5 % and at most 8 %`; each bound is one-sided. */
export function bounds({low, high, confidence}, unit) {
  const parts = [low !== null && `at least ${inUnit(low, unit)}`, high !== null && `at most ${inUnit(high, unit)}`].filter(Boolean);
  const sure = `${parts.length > 1 ? "each " : ""}at ${Math.round(100 * confidence)}\u00a0%`;
  return parts.length ? `${parts.join(", ")} (${sure})` : "";
}

const capital = text => text.charAt(0).toUpperCase() + text.slice(1);

/** The evidence in a sentence, by its numbers alone. */
export function sentence({rule, evidence}) {
  if (!evidence) return "";
  const {unit, what} = ruleOf(rule), value = inUnit(evidence.estimate, unit), limits = bounds(evidence, unit);
  const n = evidence.n.toLocaleString(), k = evidence.k?.toLocaleString();
  const counted = k === undefined ? `${capital(what)} (n = ${n}): ${value}`
    : unit === SHARE ? `${k} of ${n} ${what}: ${value}` : `${capital(what)} (n = ${n}, of which k = ${k} are above the least): ${value}`;
  return limits ? `${counted}; ${limits}` : counted;
}

const WORD = {
  failure_share_now: ["fails now", SHARE], failure_share: ["would fail", SHARE], added_seconds: ["more time per execution", SECONDS],
  cut_share: ["good attempts cut", SHARE], running_longer_now: ["attempts that run longer now", ""], seconds_per_execution: ["saved per execution", SECONDS],
  seconds_now: ["takes now", SECONDS], seconds: ["would take", SECONDS], errors_per_element_now: ["errors per element now", SHARE],
  errors_per_element: ["errors per element then", SHARE], seconds_saved_per_attempt: ["saved per useless attempt", SECONDS],
  bytes_a_day: ["less stored a day", BYTES], engines: ["engines needed", ""],
};

/** What is expected of the change: [[words, value]]. The bounds of a number stand beside it. */
export function predictions(prediction) {
  const isBound = name => /_(low|high)$/.test(name) && name.replace(/_(low|high)$/, "") in prediction;
  return Object.entries(prediction).filter(([name]) => !isBound(name)).map(([name, value]) => {
    const [words, unit] = (Object.hasOwn(WORD, name) && WORD[name]) || [name.replaceAll("_", " "), ""], shown = one => (typeof one === "number" ? inUnit(one, unit) : typeof one === "string" ? one : JSON.stringify(one));
    const {[`${name}_low`]: low, [`${name}_high`]: high} = prediction;
    const limits = [low !== undefined && `at least ${shown(low)}`, high !== undefined && `at most ${shown(high)}`].filter(Boolean).join(", ");
    return [words, limits ? `${shown(value)} (${limits})` : shown(value)];
  });
}

/** What is most to be expected, in a few words. */
export function headline({prediction, seconds_a_day: saved}) {
  const numbers = Object.fromEntries(Object.entries(prediction).filter(([, value]) => typeof value === "number"));  // others may predict anything
  const {failure_share_now: now, failure_share: then, seconds_per_execution: perExecution, cut_share: cut} = numbers;
  const parts = [
    now !== undefined && then !== undefined && `failures ${inUnit(now, SHARE)} → ${inUnit(then, SHARE)}`,
    perExecution !== undefined && `saves ${inUnit(perExecution, SECONDS)} per execution`,
    cut !== undefined && `cuts ${inUnit(cut, SHARE)} of the good attempts`,
    numbers.seconds_now !== undefined && numbers.seconds !== undefined && `${inUnit(numbers.seconds_now, SECONDS)} → ${inUnit(numbers.seconds, SECONDS)}`,
    numbers.errors_per_element_now !== undefined && numbers.errors_per_element !== undefined && `errors ${inUnit(numbers.errors_per_element_now, SHARE)} → ${inUnit(numbers.errors_per_element, SHARE)}`,
  ].filter(Boolean);
  if (!parts.length && saved > 0) parts.push(`saves ${inUnit(saved, SECONDS)} a day`);
  return parts.join(" · ");
}
