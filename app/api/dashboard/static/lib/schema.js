// What a form can ask for of a JSON Schema: fields of simple types; the rest stays JSON.

const SIMPLE = new Set(["string", "number", "integer", "boolean"]);

/** [{name, kind, title, about, required, choices, schema}]; null if the schema describes no object with fields. */
export function fieldsOf(schema) {
  if (!schema || typeof schema.properties !== "object" || (schema.type && schema.type !== "object")) return null;
  const required = new Set(schema.required || []);
  return Object.entries(schema.properties).map(([name, given]) => {
    const part = given !== null && typeof given === "object" ? given : {};  // it may also be true or false
    return {name, required: required.has(name), schema: part, kind: kindOf(part), title: part.title || name, about: part.description || "", choices: part.enum || null};
  });
}

function kindOf(part) {
  if (Array.isArray(part.enum) && part.enum.every(one => typeof one !== "object" || one === null)) return "choice";
  if ("const" in part && typeof part.const !== "object") return "choice";
  const types = [part.type].flat().filter(type => type && type !== "null");
  return types.length === 1 && SIMPLE.has(types[0]) && !part.$ref ? types[0] : "json";
}

/** The texts of the fields for a value, by name. A field without a value has its default. */
export function textsOf(fields, value = {}) {
  return Object.fromEntries(fields.map(({name, kind, schema}) => [name, textOf(kind, name in value ? value[name] : schema.default)]));
}

function textOf(kind, value) {
  if (value === undefined) return "";
  return kind === "string" && typeof value === "string" ? value : JSON.stringify(value, null, kind === "json" ? 2 : 0);
}

/** {value, errors: {name: message}}: empty fields are left out; `value` keeps what has no field. */
export function valueOf(fields, texts, rest = {}) {
  const value = {...rest}, errors = {};
  for (const field of fields) {
    delete value[field.name];
    const text = texts[field.name] ?? "";
    if (text.trim() === "") continue;  // whether it may be missing is seen when the form is sent
    try {
      value[field.name] = parsed(field, text);
    } catch (error) {
      errors[field.name] = error.message;
    }
  }
  return {value, errors};
}

function parsed({kind}, text) {
  if (kind === "string") return text;
  if (kind === "number" || kind === "integer") {
    const number = Number(text);
    if (!Number.isFinite(number) || (kind === "integer" && !Number.isInteger(number))) throw new Error(`must be ${kind === "integer" ? "a whole number" : "a number"}`);
    return number;
  }
  try { return JSON.parse(text); } catch { throw new Error("is not JSON"); }
}

/** A JSON object, or the reason why a text is none: {value, error}. */
export function objectOf(text) {
  if (!text.trim()) return {value: {}, error: null};
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" && !Array.isArray(value) ? {value, error: null} : {value: null, error: "must be a JSON object"};
  } catch (error) {
    return {value: null, error: `is not JSON: ${error.message}`};
  }
}
