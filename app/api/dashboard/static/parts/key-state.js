// Whether a key is valid, and what it allows.
import {html} from "../lib/html.js";
import {now} from "../lib/time.js";
import {Status} from "./status.js";

/** `valid`, `expired` or `revoked`. */
export const stateOf = key => (key.revoked_at ? "revoked" : key.expires_at && Date.parse(key.expires_at) <= now.value ? "expired" : "valid");
const SIGN_OF = {valid: "completed", expired: "skipped", revoked: "cancelled"};

export const KeyState = ({apiKey}) => html`<${Status} status=${SIGN_OF[stateOf(apiKey)]} word=${stateOf(apiKey)}/>`;

export function Allows({apiKey}) {
  const {role, scopes, workflows, groups} = apiKey;
  return html`${role ? html`<strong>${role}</strong>` : html`<span class="mono" title=${scopes.join("\n")}>${scopes.length > 2 ? `${scopes.length} scopes` : scopes.join(", ")}</span>`}
    ${workflows && html`<span class="soft"> of <code>${workflows}</code></span>`}
    ${groups.length > 0 && html`<span class="faint"> · groups ${groups.join(", ")}</span>`}`;
}
