// A text with line numbers, colours and problems at their places: CodeMirror, loaded when it is shown. It lives in a shadow
// root, where its style sheets are adopted and not written into the page.
import {html, useEffect, useRef} from "../lib/html.js";

const LANGUAGES = {yaml: library => library.yaml(), json: library => library.json()};

/**
 * text       the text; another one than that of the editor replaces it
 * language   "yaml" or "json"
 * problems   [{line, column, message, severity: "error" | "warning"}]
 * onChange   (text), onSave ()
 * handle     a ref, which gets {goTo(line, column)}
 */
export function Editor({text, language, problems = [], onChange, onSave, label, handle}) {
  const host = useRef(null), editor = useRef(null), latest = useRef({});
  latest.current = {text, language, problems, onChange, onSave, label};
  useEffect(() => {
    let isGone = false;
    import("../vendor/codemirror.js").then(library => {
      if (isGone) return;
      editor.current = open(library, host.current, latest);
      if (handle) handle.current = {goTo: (line, column) => goTo(editor.current, line, column)};
    });
    return () => { isGone = true; editor.current?.view.destroy(); };
  }, []);
  useEffect(() => { if (editor.current) replaceText(editor.current, text); }, [text]);
  useEffect(() => { if (editor.current) setLanguage(editor.current, language); }, [language]);
  useEffect(() => { if (editor.current) setProblems(editor.current, problems); }, [problems]);
  return html`<div class="editor" ref=${host}></div>`;
}

function open(library, host, latest) {
  const root = host.shadowRoot || host.attachShadow({mode: "open"});
  host.addEventListener("keydown", event => event.stopPropagation());  // what is typed here is no key of the page
  const language = new library.Compartment(), {EditorView} = library;
  const made = {library, language, reported: [], isGiven: false, latest};
  made.view = new EditorView({
    root, parent: root,
    state: library.EditorState.create({doc: latest.current.text, extensions: [
      library.keymap.of([{key: "Mod-s", preventDefault: true, run: () => { latest.current.onSave?.(); return true; }}]),
      library.lineNumbers(), library.foldGutter(), library.highlightSpecialChars(), library.history(), library.drawSelection(),
      library.indentOnInput(), library.indentUnit.of("  "), library.bracketMatching(), library.closeBrackets(), library.highlightActiveLine(),
      library.highlightActiveLineGutter(), library.highlightSelectionMatches(), library.lintGutter(),
      library.keymap.of([...library.closeBracketsKeymap, ...library.defaultKeymap, ...library.searchKeymap, ...library.historyKeymap, ...library.foldKeymap, ...library.lintKeymap]),
      language.of(LANGUAGES[latest.current.language](library)), theme(library), library.syntaxHighlighting(colours(library)),
      EditorView.contentAttributes.of({"aria-label": latest.current.label, tabindex: "0"}),
      EditorView.updateListener.of(update => { if (update.docChanged && !made.isGiven) report(made, update.state.doc.toString()); }),
    ]}),
  });
  setProblems(made, latest.current.problems);
  return made;
}

function report(made, text) {
  made.reported.push(text);
  made.latest.current.onChange?.(text);
}

/** A text that comes back is one that was written here, maybe before the newest keys: it replaces nothing. */
function replaceText(made, text) {
  const {view, reported} = made, now = view.state.doc, index = reported.lastIndexOf(text);
  if (index >= 0) { reported.splice(0, index + 1); return; }
  if (now.toString() === text) return;
  made.isGiven = true;
  view.dispatch({changes: {from: 0, to: now.length, insert: text}});
  made.isGiven = false;
  reported.length = 0;
}

function setLanguage({library, view, language}, name) {
  view.dispatch({effects: language.reconfigure(LANGUAGES[name](library))});
}

function setProblems({library, view}, problems) {
  view.dispatch(library.setDiagnostics(view.state, problems.filter(one => one.line).map(one => {
    const from = offset(view.state.doc, one.line, one.column), end = view.state.doc.lineAt(from).to;
    const word = /^[^\s:,{}[\]]+/.exec(view.state.sliceDoc(from, end));
    return {from, to: Math.min(end, from + (word ? word[0].length : 1)), severity: one.severity, message: one.message};
  })));
}

/** Columns of the service count characters, those of the editor UTF-16 units. */
function offset(doc, line, column) {
  const found = doc.line(Math.max(1, Math.min(doc.lines, line)));
  return Math.min(found.to, found.from + [...found.text].slice(0, Math.max(0, column - 1)).join("").length);
}

function goTo({library, view}, line, column) {
  const at = offset(view.state.doc, line, column);
  view.dispatch({selection: {anchor: at}, effects: library.EditorView.scrollIntoView(at, {y: "center"})});
  view.focus();
}

const theme = ({EditorView}) => EditorView.theme({
  "&": {height: "100%", fontSize: "12.5px", color: "var(--ink)", backgroundColor: "var(--surface)"},
  "&.cm-focused": {outline: "2px solid var(--accent)", outlineOffset: "-2px"},
  ".cm-scroller": {fontFamily: "var(--mono)", lineHeight: "20px"},
  ".cm-content": {caretColor: "var(--accent)", padding: "8px 0"},
  ".cm-cursor": {borderLeftColor: "var(--accent)", borderLeftWidth: "2px"},
  ".cm-gutters": {backgroundColor: "var(--sunk)", color: "var(--ink-3)", border: "none", borderRight: "1px solid var(--line)"},
  ".cm-activeLine": {backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)"},
  ".cm-activeLineGutter": {backgroundColor: "var(--accent-soft)", color: "var(--ink)"},
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent)"},
  ".cm-selectionMatch": {backgroundColor: "var(--warn-soft)"},
  ".cm-matchingBracket": {backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)"},
  ".cm-foldPlaceholder": {backgroundColor: "var(--sunk)", color: "var(--ink-2)", border: "1px solid var(--line)"},
  ".cm-tooltip": {backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line-2)", borderRadius: "4px", boxShadow: "0 4px 16px rgb(0 0 0 / 14%)", fontFamily: "var(--sans)"},
  ".cm-diagnostic": {padding: "6px 10px", maxWidth: "480px"},
  ".cm-diagnostic-error": {borderLeft: "3px solid var(--bad)"},
  ".cm-diagnostic-warning": {borderLeft: "3px solid var(--warn)"},
  ".cm-panels": {backgroundColor: "var(--sunk)", color: "var(--ink)", borderColor: "var(--line)"},
  ".cm-panels input, .cm-panels button": {color: "var(--ink)", backgroundColor: "var(--surface)", backgroundImage: "none", border: "1px solid var(--line-2)"},
});

const colours = ({HighlightStyle, tags}) => HighlightStyle.define([
  {tag: [tags.propertyName, tags.definition(tags.propertyName), tags.labelName], color: "var(--accent)"},
  {tag: [tags.string, tags.special(tags.string)], color: "var(--ok)"},
  {tag: [tags.number], color: "var(--run)"},
  {tag: [tags.bool, tags.null, tags.keyword, tags.typeName, tags.meta], color: "var(--off)"},
  {tag: [tags.comment], color: "var(--ink-3)", fontStyle: "italic"},
  {tag: [tags.punctuation, tags.separator, tags.bracket], color: "var(--ink-2)"},
]);
