// What can be done to an execution, by its state and by what the caller may do. The service decides; its refusal is shown.
import {html, useMemo, useRef, useState} from "../../lib/html.js";
import {go, href} from "../../lib/router.js";
import {Problem, post} from "../../lib/api.js";
import {may} from "../../lib/session.js";
import {isFinal} from "../../lib/fold.js";
import {Dialog} from "../../parts/dialog.js";
import {tell} from "../../parts/toast.js";

const ACTIONS = [
  {name: "pause", word: "Pause", scope: "executions:control", when: status => status === "running" || status === "pending", says: "Running attempts may end; nothing more is started."},
  {name: "resume", word: "Resume", scope: "executions:control", when: status => status === "paused"},
  {name: "signal", word: "Signal …", scope: "executions:signal", when: status => !isFinal(status)},
  {name: "cancel", word: "Cancel …", scope: "executions:control", when: status => !isFinal(status), danger: true},
  {name: "retry", word: "Retry", scope: "executions:start", when: status => status === "failed" || status === "cancelled", primary: true,
    says: "Runs again what did not complete, on the same revision."},
  {name: "rerun", word: "Rerun from …", scope: "executions:start", when: isFinal, says: "Runs a task and all after it again, on the same or the latest revision."},
  {name: "again", word: "Run with this input …", scope: "executions:start", when: isFinal, says: "Starts from the beginning, on the latest revision. The input can be changed."},
];
const AT_ONCE = new Set(["pause", "resume", "retry"]);

export function Controls({fold, onAct}) {
  const shown = ACTIONS.filter(action => may(action.scope) && action.when(fold.execution.status));
  return html`<div class="end" role="group" aria-label="Controls">${shown.map(action => html`<button type="button" key=${action.name} title=${action.says}
    class=${action.danger ? "danger" : action.primary ? "primary" : ""} onClick=${() => onAct(action.name)}>${action.word}</button>`)}</div>`;
}

/** `onAct(name, details)`, and the dialog that it opens. */
export function useControls(fold, reload) {
  const [open, setOpen] = useState(null);
  const id = fold?.execution.id;
  const at = async (name, body) => {
    try {
      const answer = await post(`executions/${id}/${name}`, body);
      if (name === "retry") go(href(`/executions/${answer.id}`));
      else { tell(`${{pause: "Pause", resume: "Resume"}[name]} requested`); reload(); }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      tell(problem.detail, "bad");
      reload();
    }
  };
  const onAct = (name, details = {}) => (AT_ONCE.has(name) ? at(name, {}) : setOpen({name, details}));
  const Shown = open && DIALOGS[open.name];
  return {onAct, dialog: Shown && html`<${Shown} fold=${fold} ...${open.details} onClose=${() => setOpen(null)} onDone=${reload}/>`};
}

function CancelDialog({fold, onClose, onDone}) {
  const reason = useRef(null);
  const submit = async () => { await post(`executions/${fold.execution.id}/cancel`, {reason: reason.current.value}); tell("Cancel requested"); onDone(); };
  return html`<${Dialog} title="Cancel this execution?" action="Cancel execution" danger onSubmit=${submit} onClose=${onClose}>
    <p>What runs is stopped, what completed is undone where the workflow says so, and the execution ends cancelled.</p>
    <label class="field">Reason, for people<input ref=${reason} maxlength="500" autofocus/></label><//>`;
}

function SignalDialog({fold, name = "", onClose, onDone}) {
  const box = useRef(null), [text, setText] = useState("null"), read = useJson(text);
  const submit = async () => { await post(`executions/${fold.execution.id}/signal`, {name: box.current.value, payload: read.value}); tell("Signal sent"); onDone(); };
  return html`<${Dialog} title="Send a signal" action="Send" disabled=${Boolean(read.problem)} onSubmit=${submit} onClose=${onClose}>
    <label class="field">Name<input ref=${box} required defaultValue=${name}/></label>
    <${JsonField} label="Payload, which becomes the output of the task" text=${text} onText=${setText} problem=${read.problem} rows="5" focus=${Boolean(name)}/><//>`;
}

function SkipDialog({fold, task, onClose, onDone}) {
  const reason = useRef(null);
  const submit = async () => { await post(`executions/${fold.execution.id}/skip`, {task, reason: reason.current.value}); tell("Skip requested"); onDone(); };
  return html`<${Dialog} title="Skip ${task}?" action="Skip task" danger onSubmit=${submit} onClose=${onClose}>
    <p>The execution continues as if the task had completed with the output null. A running attempt is stopped first.</p>
    <label class="field">Reason, for people<input ref=${reason} maxlength="500" autofocus/></label><//>`;
}

function RerunDialog({fold, task = "", onClose}) {
  const ran = [...fold.tasks.values()].filter(known => known.attempts.length || known.status !== "pending"), chosen = useRef(null), latest = useRef(null);
  const submit = async () => {
    const body = {from_task: chosen.current.value, ...(latest.current.checked ? {revision: "latest"} : {})};
    go(href(`/executions/${(await post(`executions/${fold.execution.id}/rerun`, body)).id}`));
  };
  return html`<${Dialog} title="Rerun from a task on" action="Rerun" onSubmit=${submit} onClose=${onClose}>
    <p>A new execution with the same input runs this task and all after it. Everything else that completed is reused.</p>
    <label class="field">From<select ref=${chosen} defaultValue=${task} autofocus>${ran.map(known => html`<option key=${known.task_id} selected=${known.name === task}>${known.name}</option>`)}</select></label>
    <label class="row"><input ref=${latest} type="checkbox"/> on the latest revision of the workflow</label><//>`;
}

function AgainDialog({fold, onClose}) {
  const {execution, workflow} = fold, [text, setText] = useState(() => JSON.stringify(execution.input, null, 2)), read = useJson(text);
  const submit = async () => go(href(`/executions/${(await post(`workflows/${workflow.id}/executions`, {input: read.value})).id}`));
  return html`<${Dialog} title="Run ${workflow.name} with this input" action="Start" wide disabled=${Boolean(read.problem)} onSubmit=${submit} onClose=${onClose}>
    <${JsonField} label="Input" text=${text} onText=${setText} problem=${read.problem} rows="16" focus/>
    <p class="soft">A new execution of the workflow as it is now. Nothing is reused.</p><//>`;
}

const DIALOGS = {cancel: CancelDialog, signal: SignalDialog, skip: SkipDialog, rerun: RerunDialog, again: AgainDialog};

function JsonField({label, text, onText, problem, rows, focus = false}) {
  return html`<label class="field">${label}<textarea rows=${rows} spellcheck=${false} value=${text} onInput=${event => onText(event.currentTarget.value)} aria-invalid=${Boolean(problem)} autofocus=${focus}/></label>
    <p class="code" role="status">${problem}</p>`;
}

function useJson(text) {
  return useMemo(() => {
    try { return {value: JSON.parse(text), problem: ""}; } catch (error) { return {value: null, problem: `no JSON yet: ${placed(error.message, text)}`}; }
  }, [text]);
}

/** Browsers name a position; people look for lines. */
function placed(message, text) {
  const [, position] = /position (\d+)/.exec(message) || [];
  if (!position || /line \d+/.test(message)) return message;
  const before = text.slice(0, Number(position)).split("\n");
  return `${message} (line ${before.length}, column ${before.at(-1).length + 1})`;
}
