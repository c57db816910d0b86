// For pairs of texts: what the differences say of each side, and how many lines they call changed.
async ([module, pairs]) => {
  const {lineDiff, hunks} = await import(module);
  const text = (rows, kept) => rows.filter(row => row.kind !== kept).map(row => row.text).join("\n");
  return pairs.map(([before, after]) => {
    const rows = lineDiff(before, after);
    const shown = hunks(rows).flatMap(row => (row.kind === "…" ? row.lines : [row]));
    return {
      before: text(rows, "+"), after: text(rows, "-"), changed: rows.filter(row => row.kind !== " ").length,
      isComplete: JSON.stringify(shown) === JSON.stringify(rows),
      left: rows.map(row => row.left).filter(Boolean), right: rows.map(row => row.right).filter(Boolean),
    };
  });
}
