async ({module, document, patch}) => {
  const {patched} = await import(module);
  return JSON.stringify(patched(document, patch));
}
