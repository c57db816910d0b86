async ({module, pairs}) => {
  const {lineDiff, hunks} = await import(module);
  return pairs.map(([before, after]) => {
    const lines = lineDiff(before.join("\n"), after.join("\n")), shown = hunks(lines).flatMap(row => row.lines || [row]);
    const texts = kind => lines.filter(line => line.kind === " " || line.kind === kind).map(line => line.text);
    return {before: texts("-"), after: texts("+"), changes: lines.filter(line => line.kind !== " ").length, complete: shown.length === lines.length};
  });
}
