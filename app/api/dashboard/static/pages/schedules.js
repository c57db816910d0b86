// All schedules, with the next five times of each.
import {html} from "../lib/html.js";
import {query, setQuery} from "../lib/router.js";
import {ScheduleList} from "./schedules/list.js";

export function Page() {
  const workflow = query.value.get("workflow");
  return html`<${ScheduleList} title="Schedules" workflowRef=${workflow}/>
    ${workflow && html`<p class="pager"><button type="button" class="tiny" onClick=${() => setQuery({workflow: null})}>Show those of all workflows</button></p>`}`;
}
