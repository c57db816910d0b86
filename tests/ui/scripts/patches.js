async ({module, cases}) => {
  const {patched} = await import(module);
  return cases.map(({document, patch}) => {
    const given = JSON.stringify(document);
    try {
      const found = patched(document, patch);
      return JSON.stringify(document) === given ? found : "the given document was changed";
    } catch (error) {
      return null;
    }
  });
}
