// One entry of the audit log: what was before, what is since, and its place in the chain.
import {html} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {Target} from "../parts/audit-words.js";
import {Copy} from "../parts/copy.js";
import {JsonBox} from "../parts/json.js";
import {JsonDiff} from "../parts/json-diff.js";
import {Empty, Loaded} from "../parts/problem.js";
import {Time} from "../parts/time.js";

export function Page({number}) {
  const at = Number(number);
  const found = useResource(Number.isSafeInteger(at) && at > 0 ? "audit" : null, {cursor: at + 1, limit: 2});
  if (!(Number.isSafeInteger(at) && at > 0)) return html`<${Missing} number=${number}/>`;
  return html`<${Loaded} of=${found}>${({items: [entry, former]}) => (entry?.number === at
    ? html`<${Entry} entry=${entry} former=${former}/>` : html`<${Missing} number=${number}/>`)}<//>`;
}

const Missing = ({number}) => html`<${Empty} title="There is no entry ${number}"><a href=${href("/audit")}>All entries</a><//>`;

function Entry({entry, former}) {
  return html`<div class="page-head"><h1>${entry.action} <span class="faint">#${entry.number}</span></h1>
      <nav class="end" aria-label="Entries beside this one">
        ${former && html`<a class="button" href=${href(`/audit/${former.number}`)} rel="prev">Before</a>`}
        <a class="button" href=${href(`/audit/${entry.number + 1}`)} rel="next">After</a></nav></div>
    <div class="two-columns"><div class="stack">
      <section class="box"><header><h2>Change</h2></header><div class="in"><${Change} ...${entry}/></div></section></div>
      <div class="stack"><${Facts} entry=${entry}/><${Chain} entry=${entry} former=${former}/></div></div>`;
}

function Change({before, after}) {
  if (before === null && after === null) return html`<p class="faint">The action says it all.</p>`;
  const digest = [before, after].some(one => one?.sha256 && Object.keys(one).length === 2);
  return html`${digest && html`<p class="note lead">The document has more than 8,192 bytes: the log has its digest only. The revisions of the workflow have the whole.</p>`}
    ${before && after ? html`<${JsonDiff} before=${before} after=${after}/>`
      : html`<${JsonBox} title=${before ? "Before; nothing since" : "Since; nothing before"} value=${before ?? after}/>`}`;
}

function Facts({entry}) {
  const rows = [
    ["Time", html`<${Time} at=${entry.at} millis/>`],
    ["Who", html`<a class="mono" href=${href("/audit", {actor: entry.actor})}>${entry.actor}</a>`], ["as", entry.actor_kind],
    ["To what", html`<${Target} target=${entry.target}/>`],
    ["All about it", html`<a href=${href("/audit", {target: entry.target})}>entries</a>`],
    ["From", entry.ip ? html`<span class="mono">${entry.ip}</span>` : "–"],
    ["Request", entry.request_id ? html`<span class="mono">${entry.request_id}</span>` : "–"],
  ];
  return html`<section class="box" aria-label="Facts"><dl class="facts in">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section>`;
}

/** Each entry holds the hash of the one before it. Only `workflow audit verify` computes the hashes anew. */
function Chain({entry, former}) {
  const isFirst = entry.number === 1, isLinked = isFirst || (former?.number === entry.number - 1 && former.hash === entry.prev);
  return html`<section class="box"><header><h2>Chain</h2></header><div class="in stack">
    ${isLinked ? html`<p class="st st-completed">${isFirst ? "The first entry" : `Linked to entry ${former.number}`}</p>`
      : html`<p class="problem" role="alert">It is not linked to entry ${entry.number - 1}: the log was changed.</p>`}
    <div class="row"><code class="cut grow" title=${entry.hash}>${entry.hash}</code><${Copy} text=${`${entry.number}:${entry.hash}`} what="Copy as an anchor"/></div>
    <p class="faint"><code>workflow audit verify</code> computes all hashes anew.</p></div></section>`;
}
