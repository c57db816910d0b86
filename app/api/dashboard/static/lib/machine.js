// A machine as what is drawn and asked of it.
import {duration} from "./time.js";

const ANY = "*";

/** `30 m`, where `duration` says `30 m 00 s`. */
const length = seconds => duration(seconds).replace(/ 0+ [smh]$/, "");

/**
 * {nodes: [{id, name, kind: "state" | "any", initial, final, notes, rank}], edges: [{from, to, transitions}]} of a machine.
 * Transitions of every state leave one node for all, so that they do not hide the others.
 */
export function graphOf(machine) {
  const edges = new Map();
  for (const transition of machine.transitions) {
    const key = `${transition.from}\n${transition.to}`;
    if (!edges.has(key)) edges.set(key, {from: transition.from, to: transition.to, transitions: []});
    edges.get(key).transitions.push(transition);
  }
  const nodes = machine.states.map(state => ({id: state.name, name: titleOf(state), kind: "state", initial: state.initial, final: state.final, notes: notesOf(state)}));
  if ([...edges.values()].some(edge => edge.from === ANY)) nodes.push({id: ANY, name: "any state", kind: "any", notes: []});
  const timers = new Map(machine.states.filter(state => state.after).map(state => [state.name, state.after]));
  const shown = [...edges.values()].map(edge => ({...edge, isTimed: edge.transitions.some(one => isTimer(timers.get(edge.from), one))}));
  return {nodes, edges: shown};
}

export const titleOf = state => state.metadata?.display_name || state.name;
export const titlesOf = machine => new Map(machine.states.map(state => [state.name, titleOf(state)]));

const isTimer = (timer, transition) => Boolean(timer) && (timer.transition === transition.name || timer.to === transition.to);

function notesOf({initial, final, after, on_enter: enter}) {
  const timer = after && (after.seconds !== null ? `after ${length(after.seconds)}` : "timer");
  return [initial && "start", final && "end", timer, enter && `runs ${enter.workflow}`].filter(Boolean);
}

/** What a request must bring for the conditions of a transition: [{name, required}] for the fields of `context`. */
export function asked(machine, state, name) {
  const found = machine.transitions.find(one => one.name === name && one.from === state) || machine.transitions.find(one => one.name === name && one.from === ANY);
  const {field_required: required = [], field_equals: equal = {}} = found?.conditions || {};
  return {transition: found, fields: [...new Set([...[required].flat(), ...Object.keys(equal)])]};
}

/** The conditions of a transition as sentences. */
export function conditionsOf({conditions = {}}) {
  return Object.entries(conditions).map(([kind, value]) => SENTENCES[kind]?.(value) || `${kind}: ${JSON.stringify(value)}`);
}

const SENTENCES = {
  field_required: value => `needs ${[value].flat().join(" and ")}`,
  field_equals: value => Object.entries(value).map(([name, one]) => `${name} is ${JSON.stringify(one)}`).join(", "),
  role: value => `role ${value}`,
  roles: value => `role ${value.join(" or ")}`,
  cel: value => value,
  min_seconds_in_state: value => `not before ${length(value)} in the state`,
  not_same_actor_as: value => `not by the one who made ${value}`,
};
