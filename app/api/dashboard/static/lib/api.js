// Calls of the REST API. Answers with an ETag are kept, so that reading again costs little when nothing has changed.
import {base, queryText} from "./router.js";
import {signal} from "./html.js";

export const api = new URL("../api/v1/", base);
const KEPT = 60;
const kept = new Map();

/** Set when a call was refused because it is not known who calls. */
export const needsSignIn = signal(false);

/** A refusal: `status`, `code`, `detail`, `errors` ({field, message}), `requestId`. Status 0: no answer. */
export class Problem extends Error {
  constructor(status, document = {}) {
    super(document.detail || document.message || `the service answered with ${status}`);
    this.status = status;
    this.code = document.code || "";
    this.detail = this.message;
    this.errors = document.errors || [];
    this.requestId = document.request_id || "";
    this.document = document;
  }

  /** Whether the same call may succeed later, without a change. */
  get isPassing() { return this.status === 0 || this.status === 429 || this.status >= 500; }
}

/** The answer to GET, parsed. `params` become the query; empty ones are left out. */
export async function get(path, params = {}, {signal: abort} = {}) {
  return (await read(path, params, abort)).body;
}

/** As `get`, with the ETag, and `unchanged` if it is that of the last time. */
export async function read(path, params = {}, abort) {
  const url = urlOf(path, params), known = kept.get(url);
  const answer = await send(url, {signal: abort, headers: known ? {"If-None-Match": known.etag} : {}});
  if (answer.status === 304 && known) return {...known, unchanged: true};
  const found = {body: await body(answer), etag: answer.headers.get("ETag"), unchanged: false};
  if (found.etag) keep(url, {body: found.body, etag: found.etag});
  return found;
}

/** A call that changes something. Returns the parsed answer; `etag` becomes `If-Match`. */
export async function change(method, path, document, {etag, headers = {}, withHeaders = false} = {}) {
  const sent = {...headers};
  if (document !== undefined) sent["Content-Type"] ??= "application/json";
  if (etag) sent["If-Match"] = etag;
  const text = document === undefined || typeof document === "string" ? document : JSON.stringify(document);
  const answer = await send(urlOf(path), {method, headers: sent, body: text});
  const parsed = await body(answer);
  return withHeaders ? {body: parsed, etag: answer.headers.get("ETag"), status: answer.status} : parsed;
}

export const post = (path, document = {}, options) => change("POST", path, document, options);

export function urlOf(path, params = {}) {
  const search = queryText(params);
  return new URL(path.replace(/^\//, ""), api).href + (search && "?" + search);
}

export const forgetAnswers = () => kept.clear();

async function send(url, options) {
  let answer;
  try {
    answer = await fetch(url, {...options, headers: {Accept: "application/json", ...options.headers}, cache: "no-store"});
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, {code: "unreachable", detail: "the service does not answer"});
  }
  if (answer.ok || answer.status === 304) return answer;
  if (answer.status === 401) needsSignIn.value = true;
  throw new Problem(answer.status, await body(answer).catch(() => ({})));
}

async function body(answer) {
  if (answer.status === 204 || answer.status === 304) return null;
  const text = await answer.text();
  return text && /json/.test(answer.headers.get("Content-Type") || "") ? JSON.parse(text) : text || null;
}

function keep(url, found) {
  kept.delete(url);
  kept.set(url, found);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}
