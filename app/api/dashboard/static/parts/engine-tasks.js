// The tasks of the caller's executions that an engine runs now, and those that it has begun last.
import {html} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {workflows} from "../lib/names.js";
import {Loaded} from "./problem.js";
import {Status} from "./status.js";
import {RowLink, Table} from "./table.js";
import {Ago, Duration} from "./time.js";

const EVERY_MS = 3000, MOST = 50;
/** Lists of tasks of many executions are in the dashboard's dialect, beside `/api/v1`. */
const DIALECT = "../";
const STATUS_OF = {in_progress: "running"};

function place(id) {
  const [execution, task] = id.split("/");
  return href(`/executions/${execution}`, {task});
}

const COLUMNS = [
  {key: "status", title: "State", cell: row => html`<${Status} status=${STATUS_OF[row.status] || row.status}/>`},
  {key: "name", title: "Task", cell: row => html`<${RowLink} href=${place(row.id)}>${row.name}<//>`},
  {key: "workflow", title: "Workflow", cell: row => workflows.text(Number(row.workflow_id))},
  {key: "started", title: "Started", cell: row => html`<${Ago} at=${row.started_at}/>`},
  {key: "duration", title: "Takes", num: true, cell: row => html`<${Duration} start=${row.started_at} end=${row.completed_at}/>`},
];

export function EngineTasks({engine}) {
  const isOver = engine.status === "offline";
  const now = useResource(isOver ? null : `${DIALECT}tasks`, {agent_id: engine.id, status: "in_progress", limit: MOST}, {everyMs: isOver ? 0 : EVERY_MS});
  const agent = useResource(`${DIALECT}agents/${engine.id}`, {}, {everyMs: isOver ? 0 : EVERY_MS});
  return html`${!isOver && html`<section class="box"><header><h2>Your tasks that it runs now</h2><span class="end count">${now.data?.total ?? ""}</span></header>
      <${Loaded} of=${now}>${({items, total}) => html`<${Tasks} tasks=${items} label="Tasks that it runs now" none="None at the moment."/>
        ${total > items.length && html`<p class="in faint">and ${total - items.length} more</p>`}`}<//></section>`}
    <section class="box"><header><h2>Begun last</h2></header>
      <${Loaded} of=${agent}>${data => html`<${Tasks} tasks=${data.recent_tasks} label="Tasks that it has begun last" none="It has begun none of your tasks of the last 24 hours."/>`}<//></section>`;
}

function Tasks({tasks, label, none}) {
  if (!tasks.length) return html`<p class="in faint">${none}</p>`;
  return html`<div class="fold-rows task-rows"><${Table} label=${label} columns=${COLUMNS} rows=${tasks}/></div>`;
}
