// The schedules of a workflow.
import {html} from "../../lib/html.js";
import {ScheduleList} from "../schedules/list.js";

export const SchedulesOf = ({workflow}) => html`<${ScheduleList} workflow=${workflow}/>`;
