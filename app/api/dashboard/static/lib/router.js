// Addresses: which page is shown, and its query. History works as people expect: every link is a link.
import {computed, signal} from "./html.js";

/** `…/ui/`, wherever the service lies. */
export const base = new URL("../../../", import.meta.url);
/** Of parts of a path that would lead a call of the API elsewhere: such a text is no id. */
const LEADS_ELSEWHERE = /^\.*$|[/\\?#%\0-\x1f]/;
const at = signal(read());

function read() {
  const path = decoded(location.pathname.slice(base.pathname.length - 1), decodeURI) || "/";
  return {path, search: location.search, hash: location.hash};
}

/** What is no UTF-8 stays as it is; no page has such an address. */
function decoded(text, decode) {
  try { return decode(text); } catch { return text; }
}

/** The path below `/ui`, as `/executions/42`. */
export const path = computed(() => at.value.path);
/** The query, as URLSearchParams. Do not change it: see `setQuery`. */
export const query = computed(() => new URLSearchParams(at.value.search));

/** The address of a page: `href("/executions", {status: "failed"})`. Empty values are left out. */
export function href(path, params = {}) {
  const search = queryText(params);
  return base.pathname.slice(0, -1) + path + (search && "?" + search);
}

export function queryText(params) {
  const entries = Object.entries(params).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return new URLSearchParams(entries.map(([name, value]) => [name, String(value)])).toString().replaceAll("%2C", ",");
}

/** Show another page. `url` comes from `href`. */
export function go(url, {replace = false} = {}) {
  const target = new URL(url, location.href);
  if (target.href !== location.href) history[replace ? "replaceState" : "pushState"](null, "", target);
  at.value = read();
}

/** Change some parameters of the query; an empty value removes one. Each change can be undone with Back. */
export function setQuery(changes, {replace = false} = {}) {
  const params = {...Object.fromEntries(query.value), ...changes};
  go(href(path.value, params) + location.hash, {replace});
}

/** The parameters of a path that has a form, as `/executions/:id`; null for another path. */
export function matched(form, path) {
  const names = [], given = path.replace(/(.)\/$/, "$1").split("/");
  const wanted = form.split("/");
  if (wanted.length !== given.length) return null;
  const found = {};
  for (const [index, part] of wanted.entries()) {
    const value = part.startsWith(":") ? decoded(given[index], decodeURIComponent) : given[index];
    if (part.startsWith(":") ? LEADS_ELSEWHERE.test(value) : part !== value) return null;
    if (part.startsWith(":")) found[part.slice(1)] = value;
  }
  return found;
}

function followLink(event) {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.hasAttribute("download")) return;
  const target = new URL(link.href);
  if (target.origin !== location.origin || !target.pathname.startsWith(base.pathname)) return;
  event.preventDefault();
  go(target.href);
  scrollTo(0, 0);
}

export function startRouter() {
  addEventListener("popstate", () => { at.value = read(); });
  document.addEventListener("click", followLink);
}
