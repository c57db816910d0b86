// Change the data of an entity, and not its state.
import {html, useRef, useState} from "../../lib/html.js";
import {change} from "../../lib/api.js";
import {objectOf} from "../../lib/schema.js";
import {Dialog} from "../../parts/dialog.js";
import {JsonField} from "../../parts/schema-form.js";
import {tell} from "../../parts/toast.js";

export function DataDialog({entity, onClose, onDone}) {
  const {sequence} = useRef(entity).current, [text, setText] = useState("{}"), [notes, setNotes] = useState(""), data = objectOf(text);
  const save = async () => {
    await change("PATCH", `entities/${entity.id}`, {data: data.value, notes: notes.trim() || null, expected_sequence: sequence});
    tell("The data are changed");
    onDone();
  };
  return html`<${Dialog} title="Change the data" action="Change" disabled=${Boolean(data.error)} onSubmit=${save} onClose=${onClose}>
    <${JsonField} label="Changes" text=${text} onInput=${setText} error=${data.error} about="A merge patch: null removes a field, objects are merged, all else replaces."/>
    <label class="field">Notes<input value=${notes} onInput=${event => setNotes(event.currentTarget.value)}/></label><//>`;
}
