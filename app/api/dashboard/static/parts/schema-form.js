// A form for a JSON object: fields from a JSON Schema where it has simple ones, and the JSON itself.
import {html, cls, useEffect, useId, useMemo, useState} from "../lib/html.js";
import {fieldsOf, objectOf, textsOf, valueOf} from "../lib/schema.js";

/**
 * schema    may be null: then there is the JSON alone
 * initial   the object to begin with
 * onChange  ({value, isValid}): `value` null while the JSON cannot be read
 */
export function SchemaForm({schema, initial = {}, onChange, label = "Input"}) {
  const fields = useMemo(() => fieldsOf(schema), [schema]);
  const [asJson, setAsJson] = useState(!fields?.length), [text, setText] = useState(() => JSON.stringify(initial, null, 2));
  const [texts, setTexts] = useState(() => (fields ? textsOf(fields, initial) : {})), [rest, setRest] = useState(initial);
  const [touched, setTouched] = useState(new Set());
  const of = useMemo(() => (asJson ? objectOf(text) : valueOf(fields, texts, rest)), [asJson, text, texts, rest]);
  const isValid = asJson ? !of.error : !Object.keys(of.errors).length;
  useEffect(() => { onChange({value: of.value, isValid}); }, [of]);
  const turn = () => {
    if (!asJson) setText(JSON.stringify(of.value, null, 2));
    else if (of.value) { setRest(of.value); setTexts(textsOf(fields, of.value)); }
    setAsJson(!asJson);
  };
  const turning = fields?.length > 0 && html`<button type="button" class="bare tiny" aria-pressed=${asJson} disabled=${asJson && !of.value} onClick=${turn}>JSON</button>`;
  return html`<fieldset class="schema-form"><legend class="row"><span class="grow">${label}</span>${turning}</legend>
    ${asJson ? html`<${JsonField} label="${label} as JSON" text=${text} onInput=${setText} error=${of.error}/>`
    : fields.map(field => html`<${Field} key=${field.name} field=${field} text=${texts[field.name] ?? ""} error=${touched.has(field.name) && of.errors[field.name]}
        onInput=${value => setTexts(was => ({...was, [field.name]: value}))} onLeave=${() => setTouched(was => new Set(was).add(field.name))}/>`)}</fieldset>`;
}

/** A text area for JSON, with what is wrong about it. */
export function JsonField({label, text, onInput, error, rows = 6, about = ""}) {
  const id = useId();
  return html`<div class="field"><label for=${id}>${label}</label>
    <textarea id=${id} rows=${Math.min(20, Math.max(rows, text.split("\n").length))} spellcheck="false" value=${text} aria-invalid=${Boolean(error)} aria-describedby="${id}-about" onInput=${event => onInput(event.currentTarget.value)}></textarea>
    <span id="${id}-about" class=${cls("about", error && "wrong")}>${error || about}</span></div>`;
}

function Field({field, text, error, onInput, onLeave}) {
  const id = useId(), Kind = KINDS[field.kind];
  return html`<div class="field"><label for=${id}>${field.title}${field.required ? html`<span class="faint"> required</span>` : ""}</label>
    <${Kind} field=${field} text=${text} onInput=${onInput} id=${id} name=${field.name} aria-invalid=${Boolean(error)} aria-describedby="${id}-about" required=${field.required} onBlur=${onLeave}/>
    <span id="${id}-about" class=${cls("about", error && "wrong")}>${error || field.about}</span></div>`;
}

const INPUT_TYPES = {date: "date", email: "email", uri: "url"};

const KINDS = {
  string: ({field, text, onInput, ...rest}) => html`<input type=${INPUT_TYPES[field.schema.format] || "text"} value=${text} placeholder=${field.schema.examples?.[0] ?? ""} onInput=${event => onInput(event.currentTarget.value)} ...${rest}/>`,
  number: numeric, integer: numeric,
  boolean: ({field, text, onInput, ...rest}) => html`<select value=${text} onChange=${event => onInput(event.currentTarget.value)} ...${rest}><option value=""></option><option value="true">true</option><option value="false">false</option></select>`,
  choice: ({field, text, onInput, ...rest}) => {
    const choices = field.choices || [field.schema.const];
    return html`<select value=${text} onChange=${event => onInput(event.currentTarget.value)} ...${rest}><option value=""></option>
      ${choices.map(choice => html`<option key=${String(choice)} value=${JSON.stringify(choice)}>${String(choice)}</option>`)}</select>`;
  },
  json: ({field, text, onInput, ...rest}) => html`<textarea rows=${Math.min(12, Math.max(3, text.split("\n").length))} spellcheck="false" value=${text} onInput=${event => onInput(event.currentTarget.value)} ...${rest}></textarea>`,
};

function numeric({field, text, onInput, ...rest}) {
  return html`<input inputmode=${field.kind === "integer" ? "numeric" : "decimal"} value=${text} placeholder=${field.schema.examples?.[0] ?? ""} onInput=${event => onInput(event.currentTarget.value)} ...${rest}/>`;
}
