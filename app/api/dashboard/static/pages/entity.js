// One entity: where it is, what can be done with it and what blocks the rest, and its history as it happens.
import {html, useEffect, useMemo, useState} from "../lib/html.js";
import {href} from "../lib/router.js";
import {useResource} from "../lib/resource.js";
import {may} from "../lib/session.js";
import {titlesOf} from "../lib/machine.js";
import {Copy} from "../parts/copy.js";
import {Json} from "../parts/json.js";
import {Loaded} from "../parts/problem.js";
import {StateGraph} from "../parts/state-graph.js";
import {StateTag} from "../parts/state-tag.js";
import {Ago, Time} from "../parts/time.js";
import {DataDialog} from "./entity/data-dialog.js";
import {useEntity} from "./entity/following.js";
import {History} from "./entity/history.js";
import {TransitionDialog} from "./entity/transition-dialog.js";
import {Transitions} from "./entity/transitions.js";

const EVERY_MS = 15_000;  // a condition may be about time alone

export function Page({id}) {
  const state = useEntity(id), entity = state.entity.data;
  const machine = useResource(entity && `machines/${entity.machine_id}/revisions/${entity.revision}`);
  useEffect(() => { if (entity) document.title = `${entity.state} · ${entity.entity_table}/${entity.entity_id}`; }, [entity?.state]);
  return html`<${Loaded} of=${state.entity}>${() => html`<${Loaded} of=${machine}>${found => html`<${Entity} entity=${entity} machine=${found} state=${state}/>`}<//>`}<//>`;
}

function Entity({entity, machine, state}) {
  const [dialog, setDialog] = useState(null), titles = titlesOf(machine), mayMove = may("machines:transition");
  const possible = useResource(`entities/${entity.id}/transitions`, {}, {everyMs: entity.is_final ? 0 : EVERY_MS});
  useEffect(() => { possible.reload(); }, [entity.sequence]);
  const open = useMemo(() => new Map((possible.data?.items || []).map(one => [one.name, one.allowed])), [possible.data]);
  const visited = useMemo(() => new Set(state.events.flatMap(event => [event.from_state, event.to_state]).filter(Boolean)), [state.events]);
  const close = () => setDialog(null);
  return html`<${Head} entity=${entity} machine=${machine} titles=${titles}/>
    <div class="entity"><section class="box graph-frame" aria-label="States"><${StateGraph} machine=${machine} current=${entity.state} visited=${visited} open=${open} label="States of ${machine.name}"/></section>
      <div class="entity-parts"><section class="box" aria-label="Transitions"><header><h2>${entity.is_final ? "It has ended" : "What can be done"}</h2></header><div class="in">
          <${Transitions} possible=${possible} entity=${entity} machine=${machine} titles=${titles} mayMove=${mayMove} onChoose=${transition => setDialog({kind: "move", transition})}/></div></section>
        <section class="box" aria-label="Data"><header><h2>Data</h2><div class="end"><${Copy} text=${() => JSON.stringify(entity.data, null, 2)} what="Copy the data"/>${mayMove && !entity.is_final && html`<button type="button" class="tiny" onClick=${() => setDialog({kind: "data"})}>Change</button>`}</div></header>
          <div class="in scroll"><${Json} value=${entity.data}/></div></section></div>
      <${History} state=${state} entity=${entity} titles=${titles}/></div>
    ${dialog?.kind === "move" && html`<${TransitionDialog} entity=${entity} machine=${machine} transition=${dialog.transition} titles=${titles} onClose=${close} onDone=${state.reload}/>`}
    ${dialog?.kind === "data" && html`<${DataDialog} entity=${entity} onClose=${close} onDone=${state.reload}/>`}`;
}

function Head({entity, machine, titles}) {
  return html`<div class="page-head"><div class="titles"><h1>${entity.entity_table}/${entity.entity_id}</h1>
      <p class="faint"><a href=${href(`/machines/${entity.machine_id}`)}>${machine.name}</a> · revision ${entity.revision} · <span class="mono">${entity.id}</span></p></div>
    <div class="end where"><span role="status"><${StateTag} name=${entity.state} title=${titles.get(entity.state) || entity.state} isFinal=${entity.is_final} big/></span>
      <span class="faint">since <${Time} at=${entity.entered_at}/>, <${Ago} at=${entity.entered_at}/></span>
      ${entity.due && html`<span class="due">timer <${Ago} at=${entity.due.at}/> → ${entity.due.transition || titles.get(entity.due.to) || entity.due.to}</span>`}</div></div>`;
}
