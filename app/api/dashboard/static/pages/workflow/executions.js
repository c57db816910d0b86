// The newest executions of a workflow, as they are now.
import {html, useEffect} from "../../lib/html.js";
import {href} from "../../lib/router.js";
import {useResource} from "../../lib/resource.js";
import {followOn} from "../../lib/follow-on.js";
import {atMostEvery} from "../../lib/frames.js";
import {Empty, Loaded} from "../../parts/problem.js";
import {RowLink, Table} from "../../parts/table.js";
import {Meter, Status} from "../../parts/status.js";
import {Ago, Duration} from "../../parts/time.js";

const LIMIT = 20, RELOAD_MS = 1000;

const COLUMNS = [
  {key: "status", title: "Status", cell: row => html`<${Status} status=${row.status}/>`},
  {key: "id", title: "Execution", cell: row => html`<${RowLink} href=${href(`/executions/${row.id}`)}><code>${row.id.slice(-12)}</code><//>`},
  {key: "progress", title: "Progress", cell: row => row.progress && html`<${Meter} percent=${row.progress.percent} status=${row.status}/>`},
  {key: "what", title: "Now", cell: row => (row.error ? html`<span class="code">${row.error.code}</span>` : (row.current_tasks || []).map(task => task.name).join(", "))},
  {key: "revision", title: "Revision", num: true, cell: row => row.revision},
  {key: "duration", title: "Took", num: true, cell: row => html`<${Duration} start=${row.started_at} end=${row.finished_at}/>`},
  {key: "created", title: "Created", cell: row => html`<${Ago} at=${row.created_at}/>`},
];

export function Executions({workflow}) {
  const list = useResource("executions", {workflow_id: workflow.id, limit: LIMIT});
  useEffect(() => {
    const again = atMostEvery(RELOAD_MS, list.reload);
    const stop = followOn({channel: `workflow:${workflow.id}`, onEvent: (_, type) => type !== "workflow_update" && again(), onReset: again, poll: again});
    return () => { again.stop(); stop(); };
  }, [workflow.id, list.reload]);
  return html`<${Loaded} of=${list}>${data => (data.items.length ? html`
    <div class="stacked list-of-its-executions"><${Table} label="Newest executions" columns=${COLUMNS} rows=${data.items}/></div>
    <p class="pager"><a href=${href("/executions", {workflow_id: workflow.id})}>All executions of ${workflow.name}</a></p>`
  : html`<${Empty} title="It has never run"><p>Executions appear here as they start.</p><//>`)}<//>`;
}
