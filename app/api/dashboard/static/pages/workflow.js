// One workflow: its graph before any run, what its executions say about it, and its revisions.
import {html, useEffect, useState} from "../lib/html.js";
import {go, href, query, setQuery} from "../lib/router.js";
import {change} from "../lib/api.js";
import {useResource} from "../lib/resource.js";
import {followOn} from "../lib/follow-on.js";
import {atMostEvery} from "../lib/frames.js";
import {may} from "../lib/session.js";
import {Dialog} from "../parts/dialog.js";
import {Loaded} from "../parts/problem.js";
import {Tabs} from "../parts/tabs.js";
import {Ago} from "../parts/time.js";
import {tell} from "../parts/toast.js";
import {Definition} from "./workflow/definition.js";
import {Executions} from "./workflow/executions.js";
import {Revisions} from "./workflow/revisions.js";
import {RunDialog} from "./workflow/run.js";
import {Statistics} from "./workflow/statistics.js";
import {SchedulesOf} from "./workflow/schedules.js";

const RELOAD_MS = 500;
const TABS = [
  {key: "graph", title: "Graph", View: Definition},
  {key: "executions", title: "Executions", View: Executions, scope: "executions:read"},
  {key: "statistics", title: "Statistics", View: Statistics, scope: "executions:read"},
  {key: "revisions", title: "Revisions", View: Revisions},
  {key: "schedules", title: "Schedules", View: SchedulesOf, scope: "schedules:read"},
];

export function Page({id}) {
  const workflow = useResource(`workflows/${encodeURIComponent(id)}`);
  useChanges(id, workflow.reload);
  useEffect(() => { if (workflow.data) document.title = `${workflow.data.name} · Workflows`; }, [workflow.data?.name]);
  return html`<${Loaded} of=${workflow}>${data => html`<${Workflow} workflow=${data} reload=${workflow.reload}/>`}<//>`;
}

function useChanges(id, reload) {
  useEffect(() => {
    const again = atMostEvery(RELOAD_MS, reload);
    const stop = followOn({channel: `workflow:${id}`, onEvent: (_, type) => type === "workflow_update" && again(), onReset: again, poll: again});
    return () => { again.stop(); stop(); };
  }, [id, reload]);
}

function Workflow({workflow, reload}) {
  const tabs = TABS.filter(tab => !tab.scope || may(tab.scope));
  const chosen = tabs.find(tab => tab.key === query.value.get("tab")) || tabs[0], {View} = chosen;
  return html`<${Head} workflow=${workflow}/>
    <${Tabs} label="Parts of the workflow" tabs=${tabs} chosen=${chosen.key} onChoose=${key => setQuery({tab: key === "graph" ? null : key}, {replace: true})}>
      <div class="tab-body"><${View} key=${chosen.key} workflow=${workflow} reload=${reload}/></div><//>`;
}

function Head({workflow}) {
  const [dialog, setDialog] = useState(query.peek().get("run") !== null && may("executions:start") ? "run" : null);
  const close = () => { setDialog(null); if (query.peek().get("run") !== null) setQuery({run: null}, {replace: true}); };
  return html`<div class="page-head"><div class="titles"><h1>${workflow.name}</h1>
      <p class="faint">${workflow.key && html`<code>${workflow.key}</code> · `}revision ${workflow.revision}, <${Ago} at=${workflow.updated_at}/></p></div>
    <div class="end">
      ${may("definitions:write") && html`<button type="button" class="danger" onClick=${() => setDialog("delete")}>Delete</button>
        <a class="button" href=${href(`/workflows/${workflow.id}/edit`)}>Edit</a>`}
      ${may("executions:start") && html`<button type="button" class="primary" onClick=${() => setDialog("run")}>Run</button>`}</div></div>
    ${workflow.description && html`<p class="soft prose">${workflow.description}</p>`}
    ${dialog === "run" && html`<${RunDialog} workflow=${workflow} onClose=${close}/>`}
    ${dialog === "delete" && html`<${DeleteDialog} workflow=${workflow} onClose=${close}/>`}`;
}

function DeleteDialog({workflow, onClose}) {
  const [force, setForce] = useState(false), [typed, setTyped] = useState(""), name = workflow.key || workflow.name;
  const remove = async () => {
    await change("DELETE", `workflows/${workflow.id}${force ? "?force=true" : ""}`);
    tell(`${workflow.name} is deleted`);
    go(href("/workflows"));
  };
  return html`<${Dialog} title="Delete ${workflow.name}?" action="Delete workflow" danger disabled=${typed.trim() !== name} onSubmit=${remove} onClose=${onClose}>
    <p>Its schedules are deleted with it. Executions that run continue, and histories and revisions can still be read by its id, ${workflow.id}.</p>
    <label class="field">Type <code>${name}</code> to confirm<input value=${typed} onInput=${event => setTyped(event.currentTarget.value)} autocomplete="off"/></label>
    <label class="row"><input type="checkbox" checked=${force} onChange=${event => setForce(event.currentTarget.checked)}/> also if other workflows call it</label><//>`;
}
