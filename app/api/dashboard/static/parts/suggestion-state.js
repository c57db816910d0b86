// The state of a suggestion, and the verdict on its effect.
import {html} from "../lib/html.js";
import {Status} from "./status.js";

const SIGN_OF = {open: "pending", approved: "completed", rejected: "cancelled", undone: "retrying", stale: "skipped"};
const VERDICT = {better: "completed", worse: "failed", "no difference seen": "skipped", "too few yet": "pending"};

export const STATES = Object.keys(SIGN_OF);
export const SuggestionStatus = ({status, big}) => html`<${Status} status=${SIGN_OF[status] || "pending"} word=${status} big=${big}/>`;
export const EffectVerdict = ({verdict}) => html`<${Status} status=${VERDICT[verdict] || "pending"} word=${verdict}/>`;
