// Dialogs, on the element that keeps focus and Escape right by itself.
import {html, useEffect, useId, useRef, useState} from "../lib/html.js";
import {ProblemBox} from "./problem.js";

/**
 * A dialog with a form. `onSubmit` may be async; if it throws a Problem, the dialog stays open and shows it.
 *
 * `keep`: neither Escape nor a button closes it, only `onSubmit`.
 *
 *   <${Dialog} title="Cancel" action="Cancel execution" danger onSubmit=${…} onClose=${…}>…<//>
 */
export function Dialog({title, action, onSubmit, onClose, danger = false, wide = false, disabled = false, keep = false, children}) {
  const box = useRef(null), id = useId();
  const [problem, setProblem] = useState(null), [isBusy, setBusy] = useState(false);
  useEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    if (document.activeElement.tagName === "TEXTAREA") document.activeElement.setSelectionRange(0, 0);
    return () => before?.isConnected && before.focus();
  }, []);
  const submit = async event => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit(event);
      onClose();
    } catch (error) {
      if (!("status" in error)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<dialog ref=${box} class=${wide ? "wide" : ""} aria-labelledby=${id} onClose=${() => (keep ? box.current.showModal() : onClose())} onCancel=${event => (isBusy || keep) && event.preventDefault()}>
    <form onSubmit=${submit}>
      <header><h2 id=${id}>${title}</h2></header>
      <div class="in">${children}<${ProblemBox} problem=${problem}/></div>
      <footer>${!keep && html`<button type="button" onClick=${onClose} disabled=${isBusy}>${action ? "Back" : "Close"}</button>`}
        ${action && html`<button class=${danger ? "danger" : "primary"} disabled=${isBusy || disabled}>${isBusy ? "…" : action}</button>`}</footer>
    </form></dialog>`;
}
