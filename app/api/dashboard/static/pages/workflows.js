// All workflows: what each has done last, and when it runs by itself.
import {html, useEffect, useMemo} from "../lib/html.js";
import {href, query} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {useNewest} from "../lib/newest.js";
import {followOn} from "../lib/follow-on.js";
import {atMostEvery} from "../lib/frames.js";
import {may} from "../lib/session.js";
import {Empty, Loaded} from "../parts/problem.js";
import {Pager, skipped} from "../parts/pager.js";
import {RowLink, Table} from "../parts/table.js";
import {SearchBox} from "../parts/search-box.js";
import {Status} from "../parts/status.js";
import {Ago} from "../parts/time.js";

const LIMIT = 50, MOST_SCHEDULES = 200, RELOAD_MS = 1000;

export function Page() {
  const name = query.value.get("q") || "", skip = skipped();
  const list = useResource("workflows", {name, skip, limit: LIMIT});
  const schedules = useResource(may("schedules:read") ? "schedules" : null, {limit: MOST_SCHEDULES});
  const newest = useNewest((list.data?.items || []).map(row => row.id));
  useChangesOf(list.reload);
  const bySchedule = useMemo(() => Map.groupBy(schedules.data?.items || [], one => one.workflow_id), [schedules.data]);
  return html`<div class="page-head"><h1>Workflows</h1><${SearchBox} label="Search by name" forget=${{skip: null}}/>
      <div class="end"><a class="button" href=${href("/flows")} title="Workflows in which conditions choose the next task">Flows</a>${may("definitions:write") && html`<a class="button primary" href=${href("/workflows/new")}>New workflow</a>`}</div></div>
    <${Loaded} of=${list}>${data => (data.items.length
      ? html`<div class="stacked list-of-workflows"><${Table} label="Workflows" columns=${columns(newest, bySchedule)} rows=${data.items}/></div><${Pager} total=${data.total} limit=${LIMIT}/>`
      : html`<${Empty} title=${name ? "No workflow has such a name" : "There is no workflow yet"}>
          ${!name && html`<p>A workflow is a list of tasks. ${may("definitions:write") && html`<a href=${href("/workflows/new")}>Write one here</a>, or apply a file: <code>workflow apply flow.yaml</code>`}</p>`}<//>`)}<//>`;
}

/** Read again when any definition changes. */
function useChangesOf(reload) {
  useEffect(() => {
    const again = atMostEvery(RELOAD_MS, reload);
    const stop = followOn({channel: "workflows", onEvent: again, onReset: again, poll: again});
    return () => { again.stop(); stop(); };
  }, [reload]);
}

const columns = (newest, schedules) => [
  {key: "name", title: "Workflow", cell: row => html`<${RowLink} href=${href(`/workflows/${row.id}`)}>${row.name}<//>
    ${row.key && row.key !== row.name && html` <code class="faint">${row.key}</code>`}`},
  {key: "newest", title: "Newest execution", cell: row => html`<${Newest} one=${newest.get(row.id)}/>`},
  {key: "tasks", title: "Tasks", num: true, cell: row => row.tasks.length},
  {key: "schedule", title: "Schedule", cell: row => html`<${Schedules} of=${schedules.get(row.id)}/>`},
  {key: "updated", title: "Changed", cell: row => html`<${Ago} at=${row.updated_at}/>`},
];

function Newest({one}) {
  if (!one) return html`<span class="faint">${one === null ? "never run" : ""}</span>`;
  return html`<a class="newest" href=${href(`/executions/${one.id}`)}><${Status} status=${one.status}/> <span class="faint"><${Ago} at=${one.created_at}/></span></a>`;
}

function Schedules({of = []}) {
  if (!of.length) return html`<span class="faint no-schedule">–</span>`;
  const [first] = of, next = of.map(one => one.next_fire_at).filter(Boolean).sort()[0];
  return html`<a href=${href("/schedules", {workflow: first.workflow_id})}>${first.cron ? html`<code>${first.cron}</code>` : "once"}</a>
    ${of.length > 1 && html` <span class="faint">and ${of.length - 1} more</span>`}${next ? html` <span class="faint"><${Ago} at=${next}/></span>` : html` <span class="faint">paused</span>`}`;
}
