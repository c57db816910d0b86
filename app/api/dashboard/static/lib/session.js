// Who is signed in, and what they may do. With AUTH=off everybody is, and no one is asked.
import {base} from "./router.js";
import {Problem, forgetAnswers, get, needsSignIn} from "./api.js";
import {signal} from "./html.js";

/** `GET /me`; null until it is known. */
export const me = signal(null);
/** Why it is not known who calls: a Problem, or null. */
export const meProblem = signal(null);

/** Whether the caller has a scope, as `executions:control`. */
export const may = scope => me.value !== null && me.value.scopes.includes(scope);

export async function findMe() {
  try {
    me.value = await get("me");
    meProblem.value = null;
    needsSignIn.value = false;
  } catch (problem) {
    me.value = null;
    meProblem.value = problem;
  }
}

/** Swap an API key or a token for a cookie that pages cannot read. Throws a Problem. */
export async function signIn(credential) {
  await session("POST", {Authorization: `Bearer ${credential.trim()}`});
  forgetAnswers();
  await findMe();
}

export async function signOut() {
  await session("DELETE");
  forgetAnswers();
  location.assign(base);
}

async function session(method, headers = {}) {
  const answer = await fetch(new URL("session", base), {method, headers}).catch(() => null);
  if (!answer) throw new Problem(0, {detail: "the service does not answer"});
  if (!answer.ok) throw new Problem(answer.status, await answer.json().catch(() => ({})));
}
