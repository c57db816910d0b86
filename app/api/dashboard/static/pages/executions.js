// All executions, newest first.
import {html} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {RowLink, Table} from "../parts/table.js";
import {Status} from "../parts/status.js";
import {Time} from "../parts/time.js";
import {Loaded} from "../parts/problem.js";

const COLUMNS = [
  {key: "status", title: "Status", cell: row => html`<${Status} status=${row.status}/>`},
  {key: "id", title: "Execution", cell: row => html`<${RowLink} href=${href(`/executions/${row.id}`)}>${row.id}<//>`},
  {key: "created", title: "Created", cell: row => html`<${Time} at=${row.created_at}/>`},
];

export function Page() {
  const list = useResource("executions", {limit: 50});
  return html`<div class="page-head"><h1>Executions</h1></div><${Loaded} of=${list}>${data => html`<${Table} columns=${COLUMNS} rows=${data.items} label="Executions"/>`}<//>`;
}
