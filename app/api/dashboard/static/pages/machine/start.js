// Start an entity.
import {html, useState} from "../../lib/html.js";
import {go, href} from "../../lib/router.js";
import {post} from "../../lib/api.js";
import {objectOf} from "../../lib/schema.js";
import {Dialog} from "../../parts/dialog.js";
import {JsonField} from "../../parts/schema-form.js";

const EXISTS = "entity_exists";

export function StartDialog({machine, onClose}) {
  const [table, setTable] = useState(""), [name, setName] = useState(""), [text, setText] = useState("{}"), [notes, setNotes] = useState(""), data = objectOf(text);
  const start = async () => {
    const body = {entity_table: table.trim(), entity_id: name.trim(), data: data.value, notes: notes.trim() || null};
    const {id} = await post(`machines/${machine.id}/entities`, body).catch(problem => {
      if (problem.code === EXISTS) problem.detail += ` See ${problem.document.entity_id}.`;
      throw problem;
    });
    go(href(`/entities/${id}`));
  };
  const initial = machine.states.find(state => state.initial)?.name;
  return html`<${Dialog} title="Start an entity of ${machine.name}" action="Start" disabled=${Boolean(data.error)} onSubmit=${start} onClose=${onClose}>
    <p class="soft">It begins in <strong>${initial}</strong>, by revision ${machine.revision}.</p>
    <div class="form-grid"><label class="field">Table<input required value=${table} onInput=${event => setTable(event.currentTarget.value)} placeholder="what kind of thing it is, as orders" autocomplete="off"/></label>
      <label class="field">Id in the table<input required value=${name} onInput=${event => setName(event.currentTarget.value)} autocomplete="off"/></label></div>
    <${JsonField} label="Data" text=${text} onInput=${setText} error=${data.error}/>
    <label class="field">Notes<input value=${notes} onInput=${event => setNotes(event.currentTarget.value)}/></label><//>`;
}
