// What the service suggests, by workflow; the open ones first.
import {html, useEffect, useState} from "../lib/html.js";
import {href, query, setQuery} from "../lib/router.js";
import {post} from "../lib/api.js";
import {useKeys} from "../lib/keys.js";
import {follow} from "../lib/live.js";
import {useResource} from "../lib/resource.js";
import {may} from "../lib/session.js";
import {headline, ruleOf, sentence} from "../lib/suggestions.js";
import {workflows} from "../lib/names.js";
import {Empty, Loaded} from "../parts/problem.js";
import {EffectVerdict, STATES, SuggestionStatus} from "../parts/suggestion-state.js";
import {Ago} from "../parts/time.js";
import {tell} from "../parts/toast.js";
import {WorkflowBox} from "../parts/workflow-box.js";

const LIMIT = 200, EVERY_MS = 15_000;

export function Page() {
  const status = query.value.get("status") ?? "open", workflow = query.value.get("workflow") || "";
  const list = useResource("suggestions", {status: status === "all" ? "" : status, workflow_id: workflow, limit: LIMIT}, {everyMs: EVERY_MS});
  useEffect(() => follow({channel: "suggestions", onEvent: list.reload, onReset: () => {}, poll: list.reload}), [list.reload]);
  return html`<div class="page-head"><h1>Suggestions</h1><div class="end"><${Compute}/></div></div>
    <${Filters} status=${status} workflow=${workflow}/>
    <${Loaded} of=${list}>${({items, total}) => html`<${Groups} items=${items} status=${status}/>
      ${total > items.length && html`<p class="faint">The newest ${items.length} of ${total} are shown. Choose a workflow to see its others.</p>`}`}<//>`;
}

function Compute() {
  const [isBusy, setBusy] = useState(false);
  if (!may("suggestions:create")) return null;
  const compute = async () => {
    setBusy(true);
    try {
      await post("suggestions/compute");
      tell("An engine looks at the histories now. New suggestions appear here.");
    } catch (problem) {
      tell(problem.detail, "bad");
    } finally {
      setBusy(false);
    }
  };
  return html`<button onClick=${compute} disabled=${isBusy} title="Engines do it every 6 hours by themselves">Look again now</button>`;
}

function Filters({status, workflow}) {
  return html`<div class="ops-filters"><div class="chips" role="group" aria-label="States">${[...STATES, "all"].map(one => html`
      <button key=${one} class="chip" aria-pressed=${one === status} onClick=${() => setQuery({status: one === "open" ? "" : one})}>${one}</button>`)}</div>
    <${WorkflowBox} value=${workflow} onChoose=${chosen => setQuery({workflow: chosen})} data-search/></div>`;
}

function Groups({items, status}) {
  if (!items.length) {
    return html`<${Empty} title=${status === "open" ? "Nothing to suggest" : "No such suggestions"}>
      ${status === "open" && html`<p>Suggestions need enough history: at least 7 days, and from 20 to 300 executions, depending on the rule.</p>`}<//>`;
  }
  return html`<${Keys}/>${grouped(items).map(([id, group]) => html`<section key=${id} class="box suggestions">
    <header><h2><a href=${href(`/workflows/${id}`)}>${workflows.text(id)}</a></h2><span class="end count">${group.length}</span></header>
    <ul>${group.map(one => html`<${Row} key=${one.id} suggestion=${one}/>`)}</ul></section>`)}`;
}

/** By workflow: those that save most first, in each the open ones first. */
function grouped(items) {
  const groups = new Map();
  for (const one of items) groups.set(one.workflow_id, [...(groups.get(one.workflow_id) || []), one]);
  const saved = group => group.reduce((sum, one) => sum + (one.status === "open" ? one.seconds_a_day : 0), 0);
  for (const group of groups.values()) group.sort((a, b) => (b.status === "open") - (a.status === "open") || b.seconds_a_day - a.seconds_a_day || b.id - a.id);
  return [...groups].sort(([, a], [, b]) => saved(b) - saved(a));
}

function Row({suggestion}) {
  const {id, title, status, rule, source, effect} = suggestion, expected = headline(suggestion);
  return html`<li class="suggestion"><div class="row wrap"><a class="row-link grow" href=${href(`/suggestions/${id}`)}>${title}</a>
      ${effect && html`<${EffectVerdict} verdict=${effect.verdict}/>`}<${SuggestionStatus} status=${status}/></div>
    <p class="soft">${sentence(suggestion) || suggestion.rationale}</p>
    <div class="row wrap faint">${expected && html`<span>${expected}</span>`}<span class="tag">${source === "external" ? `from others · ${ruleOf(rule).name}` : ruleOf(rule).name}</span>
      <${Ago} at=${suggestion.decided_at || suggestion.created_at}/></div></li>`;
}

/** `j` and `k` go from one to the next. */
function Keys() {
  const step = by => () => {
    const links = [...document.querySelectorAll(".suggestion .row-link")], at = links.indexOf(document.activeElement);
    links[at < 0 ? 0 : Math.max(0, Math.min(links.length - 1, at + by))]?.focus();
    return links.length > 0;
  };
  useKeys({j: step(1), k: step(-1)});
  return null;
}
