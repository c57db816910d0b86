async ({module, form, paths}) => {
  const {matched} = await import(module);
  return paths.map(path => matched(form, path));
}
