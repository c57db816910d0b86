// The frame of all pages: the bar, the theme, the keys, and which page is shown.
import {html, render, cls, signal, useEffect, useRef, useState} from "./lib/html.js";
import {base, go, href, matched, path, startRouter} from "./lib/router.js";
import {findMe, may, me, meProblem, signOut} from "./lib/session.js";
import {needsSignIn} from "./lib/api.js";
import {link} from "./lib/live.js";
import {startKeys, useKeys} from "./lib/keys.js";
import {Toasts} from "./parts/toast.js";
import {Dialog} from "./parts/dialog.js";
import {Empty, ProblemBox} from "./parts/problem.js";
import {PAGES, START} from "./pages.js";

const LINK_WORDS = {live: "live", connecting: "connecting", polling: "polling", off: ""};
const RELOADED = "reloaded-for-new-files";
const modules = new Map();
const theme = signal(localStorage.getItem("theme") || "system");

function setTheme(chosen) {
  theme.value = chosen;
  if (chosen === "system") { localStorage.removeItem("theme"); delete document.documentElement.dataset.theme; }
  else { localStorage.setItem("theme", chosen); document.documentElement.dataset.theme = chosen; }
}

const nextTheme = () => ({system: "light", light: "dark", dark: "system"})[theme.value];
const visible = page => !page.scope || may(page.scope);
const shownInBar = () => PAGES.filter(page => page.nav && visible(page));

function find(path) {
  for (const page of PAGES) {
    const params = matched(page.path, path);
    if (params) return {page, params};
  }
  return null;
}

/** The module of a page. After an update of the service its files have other addresses: then the page is loaded anew. */
async function load(page) {
  if (!modules.has(page.module)) {
    try {
      modules.set(page.module, (await import(`./pages/${page.module}.js`)).Page);
      sessionStorage.removeItem(RELOADED);
    } catch (error) {
      if (sessionStorage.getItem(RELOADED)) throw error;
      sessionStorage.setItem(RELOADED, "1");
      location.reload();
    }
  }
  return modules.get(page.module);
}

function Bar({current}) {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path.value]);
  const marked = current && (current.page.under || current.page.path);
  return html`<header class="bar">
    <a class="brand" href=${href("/")}><img src=${new URL("icon.svg", import.meta.url).href} width="18" height="18" alt=""/>Workflows</a>
    <button class="menu bare" aria-expanded=${isOpen} aria-controls="nav" onClick=${() => setOpen(!isOpen)}>Menu</button>
    <nav id="nav" aria-label="Pages" class=${cls(isOpen && "open")}>${shownInBar().map(page => html`<a key=${page.path} href=${href(page.path)} aria-current=${page.path === marked ? "page" : null}>${page.nav}</a>`)}
      <a class="you" href=${href("/me")} aria-current=${marked === "/me" ? "page" : null}>You</a></nav>
    <div class="end">
      <span class="link link-${link.value}" hidden=${link.value === "off"} title="How this page hears of changes"><i></i><span>${LINK_WORDS[link.value]}</span></span>
      <button class="bare tiny" onClick=${() => setTheme(nextTheme())} aria-label="Theme: ${theme.value}. Change" title="Theme: as the system, light or dark"><span aria-hidden="true">◐</span> ${{system: "Auto", light: "Light", dark: "Dark"}[theme.value]}</button>
      ${me.value && html`<a class="who faint mono" href=${href("/me")} title="${me.value.role || "scopes"} of ${me.value.tenant}">${me.value.principal}</a>
        ${me.value.principal !== "anonymous" && html`<button class="bare tiny" onClick=${signOut}>Sign out</button>`}`}
    </div></header>`;
}

function Keys({onClose}) {
  const rows = [["/", "search"], ...shownInBar().filter(page => page.key).map(page => [`g ${page.key}`, page.nav.toLowerCase()]),
    ["j  k", "next and previous row"], ["Enter", "open"], ["?", "this list"]];
  return html`<${Dialog} title="Keys" onClose=${onClose} onSubmit=${() => {}}><dl class="facts">
    ${rows.map(([key, what]) => html`<div key=${key}><dt>${key.split(/\s+/).map(part => html`<kbd>${part}</kbd> `)}</dt><dd>${what}</dd></div>`)}</dl><//>`;
}

function Shown({current}) {
  const [Page, setPage] = useState(null), [problem, setProblem] = useState(null);
  useEffect(() => {
    let isCurrent = true;
    setProblem(null);
    if (current) {
      document.title = `${current.page.title} · Workflows`;
      load(current.page).then(found => isCurrent && setPage(() => found), error => isCurrent && setProblem(error));
    }
    return () => { isCurrent = false; };
  }, [current?.page]);
  if (current && !visible(current.page)) return html`<${Empty} title="This page is not for you"><p>It needs the scope <code>${current.page.scope}</code>. <a href=${href("/me")}>What you may do</a></p><//>`;
  if (!current) return html`<${Empty} title="There is no such page"><a href=${href(START)}>Executions</a><//>`;
  if (problem) return html`<${ProblemBox} problem=${problem} title="This page could not be loaded" onRetry=${() => location.reload()}/>`;
  if (!Page || modules.get(current.page.module) !== Page) return null;
  return html`<${Page} key=${current.page.path + JSON.stringify(current.params)} ...${current.params}/>`;
}

function App() {
  const [showsKeys, setShowsKeys] = useState(false);
  const main = useRef(null), shownPath = path.value;
  const goKeys = Object.fromEntries(shownInBar().filter(page => page.key).map(page => [`g ${page.key}`, () => go(href(page.path))]));
  useKeys({...goKeys, "?": () => setShowsKeys(true), "/": () => { const box = document.querySelector("[data-search]"); box?.focus(); box?.select?.(); return Boolean(box); }});
  const isFirst = useRef(true);
  useEffect(() => {  // a new page is read from its beginning, also by those who hear it
    if (!isFirst.current) main.current?.focus({preventScroll: true});
    isFirst.current = false;
  }, [shownPath]);
  if (needsSignIn.value) return html`<${SignInPage}/>`;
  if (meProblem.value) return html`<main><${ProblemBox} problem=${meProblem.value} onRetry=${findMe}/></main>`;
  if (!me.value) return null;
  if (shownPath === "/") { go(href(START), {replace: true}); return null; }
  const current = find(shownPath);
  return html`<a class="skip" href="#main" onClick=${event => { event.preventDefault(); main.current.focus(); }}>To the contents</a>
    <${Bar} current=${current}/><main id="main" ref=${main} tabindex="-1"><${Shown} current=${current}/></main><${Toasts}/>
    ${showsKeys && html`<${Keys} onClose=${() => setShowsKeys(false)}/>`}`;
}

function SignInPage() {
  const [Page, setPage] = useState(null);
  useEffect(() => { import("./pages/sign-in.js").then(found => setPage(() => found.Page)); }, []);
  return Page && html`<${Page}/>`;
}

startRouter();
startKeys();
findMe();
render(html`<${App}/>`, document.getElementById("app"));
