// Who is signed in, and what they may do.
import {html} from "../lib/html.js";
import {base} from "../lib/router.js";
import {me, signOut} from "../lib/session.js";
import {grouped} from "../lib/scopes.js";
import {Ago, Time} from "../parts/time.js";

export function Page() {
  const {principal, tenant, role, scopes, groups, workflows, key_id: key, expires_at: expires} = me.value;
  const isAnyone = principal === "anonymous";
  const rows = [["Tenant", html`<span class="mono">${tenant}</span>`], ["Role", role || "scopes of its own"], ["Key", key],
    ["Workflows", workflows ? html`<code>${workflows}</code>` : "all"], ["Groups", groups.join(", ")],
    ["Valid until", isAnyone ? null : expires ? html`<${Time} at=${expires}/> <span class="faint">(<${Ago} at=${expires}/>)</span>` : "no end"]].filter(([, value]) => value);
  return html`<div class="page-head"><h1>You are <span class="mono">${principal}</span></h1>
      <a href=${new URL("../docs", base).pathname}>The API for programs</a>
      ${!isAnyone && html`<div class="end"><button onClick=${signOut}>Sign out</button></div>`}</div>
    ${isAnyone && html`<p class="note lead">Nothing checks who calls: <code>AUTH</code> is off. Everybody who reaches this address may do what stands below.</p>`}
    <div class="two-columns"><section class="box"><header><h2>What you may do</h2><span class="end count">${scopes.length} ${scopes.length === 1 ? "scope" : "scopes"}</span></header>
        <div class="in scopes">${grouped(scopes).map(([thing, list]) => html`<ul key=${thing}>${list.map(scope => html`<li key=${scope} class="mono">${scope}</li>`)}</ul>`)}</div></section>
      <section class="box" aria-label="Facts"><dl class="facts in">${rows.map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl></section></div>`;
}
