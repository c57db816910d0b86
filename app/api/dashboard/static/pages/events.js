// The events of all executions and entities, the newest first, as they come.
import {html, useEffect, useRef, useState} from "../lib/html.js";
import {query, setQuery} from "../lib/router.js";
import {FeedReader} from "../lib/feed.js";
import {useKeys} from "../lib/keys.js";
import {workflows} from "../lib/names.js";
import {me} from "../lib/session.js";
import {Dialog} from "../parts/dialog.js";
import {EVENT_TYPES, EventRow, words} from "../parts/event-row.js";
import {JsonBox} from "../parts/json.js";
import {Empty, ProblemBox} from "../parts/problem.js";
import {VirtualList} from "../parts/virtual.js";
import {WorkflowBox} from "../parts/workflow-box.js";

const MOST = 5000;
const GROUPS = [
  ["All", []],
  ["Failures", ["execution_failed", "execution_failing", "task_failed", "task_retrying", "timer_blocked"]],
  ["Ends", ["execution_completed", "execution_failed", "execution_cancelled"]],
  ["Tasks", EVENT_TYPES.filter(type => type.startsWith("task_"))],
  ["Entities", EVENT_TYPES.slice(EVENT_TYPES.indexOf("entity_started"))],
];
const NARROW = matchMedia("(max-width: 860px)");

export function Page() {
  const types = (query.value.get("type") || "").split(",").filter(Boolean), workflow = query.value.get("workflow") || "";
  useEffect(() => { if (workflow && me.value.workflows) workflows.learn(workflow); }, [workflow]);
  const lacksWorkflow = me.value.workflows && !workflow;
  return html`<div class="page-head"><h1>Events</h1></div>
    <${Filters} types=${types} workflow=${workflow}/>
    ${lacksWorkflow ? html`<${Empty} title="Which workflow?"><p>Your key is limited to <code>${me.value.workflows}</code>: name one of these.</p><//>`
      : html`<${Feed} key=${types + workflow} types=${types} workflow=${workflow}/>`}`;
}

function Filters({types, workflow}) {
  const isChosen = wanted => String([...types].sort()) === String([...wanted].sort());
  const isGroup = GROUPS.some(([, wanted]) => isChosen(wanted));
  return html`<div class="ops-filters">
    <div class="chips" role="group" aria-label="Types">${GROUPS.map(([title, wanted]) => html`
      <button key=${title} class="chip" aria-pressed=${isChosen(wanted)} onClick=${() => setQuery({type: wanted.join(",")})}>${title}</button>`)}</div>
    <label class="field">Type<select value=${isGroup ? "" : types.join(",")} onChange=${event => setQuery({type: event.currentTarget.value})}>
      <option value="">${isGroup ? "any of these" : "all"}</option>
      ${!isGroup && types.length > 1 && html`<option value=${types.join(",")}>${types.length} types</option>`}
      ${EVENT_TYPES.map(type => html`<option key=${type} value=${type}>${words(type)}</option>`)}</select></label>
    <${WorkflowBox} value=${workflow} onChoose=${chosen => setQuery({workflow: chosen})} data-search/></div>`;
}

/** What was read: `shown`, and `held` while a person reads further down or has paused. Both have the newest first. */
function useFeed(filter) {
  const [state, setState] = useState({shown: [], held: [], isRead: false, hasOlder: false, problem: null});
  const holds = useRef(false), reader = useRef(null);
  const change = changes => setState(was => ({...was, ...changes(was)}));
  useEffect(() => {
    const found = reader.current = new FeedReader(filter, {
      onEvents: (events, isOlder) => change(was => added(was, events.reverse(), isOlder, holds.current)),
      onProblem: problem => setState(was => (was.problem === problem ? was : {...was, problem})),
    });
    found.start().then(() => change(() => ({isRead: true, hasOlder: found.oldest > 0})));
    return () => found.stop();
  }, []);
  const older = async () => { const hasOlder = await reader.current.older(); change(() => ({hasOlder})); };
  const hold = isHeld => { holds.current = isHeld; if (!isHeld) change(released); };
  return {...state, older, hold};
}

function added(was, events, isOlder, holds) {
  if (isOlder) return {shown: [...was.shown, ...events].slice(0, 2 * MOST)};
  return holds ? {held: [...events, ...was.held].slice(0, MOST)} : {shown: [...events, ...was.held, ...was.shown].slice(0, MOST), held: []};
}

const released = was => (was.held.length ? {shown: [...was.held, ...was.shown].slice(0, MOST), held: []} : {});

function Feed({types, workflow}) {
  const feed = useFeed({type: types, workflow_id: workflow || null});
  const [isPaused, setPaused] = useState(false), [event, setEvent] = useState(null), box = useRef(null), isDown = useRef(false);
  const pause = () => { setPaused(!isPaused); feed.hold(!isPaused || isDown.current); };
  const toTop = () => { const list = box.current.querySelector(".virtual"); if (list) list.scrollTop = 0; isDown.current = false; setPaused(false); feed.hold(false); };
  const scrolled = ({target}) => { isDown.current = target.scrollTop > 4; feed.hold(isDown.current || isPaused); };
  const step = by => () => moveFocus(box.current, by);
  useKeys({j: step(1), k: step(-1), p: pause});
  return html`<div class="row wrap feed-head"><button onClick=${pause} aria-pressed=${isPaused} title="p">${isPaused ? "Continue" : "Pause"}</button>
      <span class="soft" role="status">${isPaused ? "paused" : ""}</span>
      ${feed.held.length > 0 && html`<button class="fresh-events" onClick=${toTop}>${feed.held.length >= MOST ? `${MOST.toLocaleString()} or more` : feed.held.length.toLocaleString()} new</button>`}
      <span class="faint end">${feed.shown.length.toLocaleString()} shown</span></div>
    <${ProblemBox} problem=${feed.problem}/>
    <div ref=${box} onScrollCapture=${scrolled}>${feed.shown.length > 0
      ? html`<${VirtualList} items=${feed.shown} height=${NARROW.matches ? 70 : 30} most=${Math.max(360, innerHeight - 260)} label="Events, the newest first"
          row=${one => html`<${EventRow} key=${one.position} event=${one} onShow=${setEvent}/>`}/>`
      : feed.isRead && !feed.problem && html`<${Empty} title=${query.value.size > 0 ? "No such events lately" : "No events lately"}>They appear here as they happen.<//>`}</div>
    ${feed.isRead && feed.hasOlder && html`<p class="row"><button onClick=${feed.older}>Look further back</button></p>`}
    ${event && html`<${Dialog} title=${`Event ${event.position}`} wide onSubmit=${() => {}} onClose=${() => setEvent(null)}><${JsonBox} title=${words(event.type)} value=${event}/><//>`}`;
}

function moveFocus(box, by) {
  const links = [...box.querySelectorAll(".row-link")], at = links.indexOf(document.activeElement?.closest(".event")?.querySelector(".row-link"));
  const next = links[at < 0 ? 0 : Math.max(0, Math.min(links.length - 1, at + by))];
  next?.focus();
  return Boolean(next);
}
