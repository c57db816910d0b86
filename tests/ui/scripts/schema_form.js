// For [schema, value]: the value that a form gives back when nothing is typed, and the kinds of its fields.
async ([module, cases]) => {
  const {fieldsOf, textsOf, valueOf} = await import(module);
  return cases.map(([schema, value]) => {
    const fields = fieldsOf(schema);
    return fields && {...valueOf(fields, textsOf(fields, value), value), kinds: fields.map(field => field.kind)};
  });
}
