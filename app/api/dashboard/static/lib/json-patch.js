// JSON Patch (RFC 6902) of a workflow, to show what a suggestion would change: `add`, `replace`, `remove`, `test`.

const TASK = /^\/tasks\/(\d+)(?=\/|$)/, TASK_ID = /^\/tasks\/(\d+)\/id$/;

/** The document with the patch applied; the given one stays as it is. Throws an Error that says what does not fit. */
export function patched(document, patch) {
  const result = structuredClone(document);
  for (const operation of placed(patch, document)) apply(result, operation);
  return result;
}

/** A patch that begins with a test of `/tasks/N/id` follows the task to the place where it is now. */
function placed(patch, document) {
  const now = new Map((document.tasks || []).map((task, index) => [task.id, index])), moved = new Map();
  for (const {op, path, value} of patch) {
    const found = op === "test" && TASK_ID.exec(path);
    if (!found) continue;
    if (!now.has(value)) throw new Error("the task does not exist any more");
    moved.set(found[1], now.get(value));
  }
  return patch.map(operation => ({...operation, path: operation.path.replace(TASK, (whole, at) => (moved.has(at) ? `/tasks/${moved.get(at)}` : whole))}));
}

function apply(document, {op, path, value}) {
  const names = path.split("/").slice(1).map(name => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  const last = names.pop();
  const parent = names.reduce(own, document);
  if (parent === null || typeof parent !== "object") throw new Error(`${path} does not exist`);
  if (op === "test") {
    if (!same(own(parent, last) ?? null, value ?? null)) throw new Error(`${path} has changed since`);
  } else if (Array.isArray(parent)) {
    if (op === "replace") parent[last] = value;
    else parent.splice(last === "-" ? parent.length : Number(last), op === "remove" ? 1 : 0, ...(op === "add" ? [value] : []));
  } else if (op === "remove") delete parent[last];
  else Object.defineProperty(parent, last, {value, writable: true, enumerable: true, configurable: true});
}

/** What a document has under a name. All objects have some names, as `__proto__`, that documents can have, too. */
const own = (place, name) => (place !== null && typeof place === "object" && Object.hasOwn(place, name) ? place[name] : undefined);

function same(one, other) {
  if (one === null || other === null || typeof one !== "object" || typeof other !== "object") return one === other;
  const names = Object.keys(one);
  return Array.isArray(one) === Array.isArray(other) && names.length === Object.keys(other).length && names.every(name => Object.hasOwn(other, name) && same(one[name], other[name]));
}
