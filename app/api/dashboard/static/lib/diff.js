// The lines in which two texts differ.
const MOST_CELLS = 4_000_000;

/** [{kind: " " | "-" | "+", text, left, right}]: `left` and `right` are the numbers of the line in each text. */
export function lineDiff(before, after) {
  const left = lines(before), right = lines(after);
  let start = 0, end = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  while (end < left.length - start && end < right.length - start && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const steps = [..." ".repeat(start), ...middle(left.slice(start, left.length - end), right.slice(start, right.length - end)), ..." ".repeat(end)];
  let atLeft = 0, atRight = 0;
  return steps.map(kind => {
    const text = kind === "+" ? right[atRight] : left[atLeft];
    return {kind, text, left: kind === "+" ? null : ++atLeft, right: kind === "-" ? null : ++atRight};
  });
}

const lines = text => (text ? text.replace(/\n$/, "").split("\n") : []);

/** The longest common part, by a table; texts that are too long for one are replaced as a whole. */
function middle(left, right) {
  if (left.length * right.length > MOST_CELLS) return [..."-".repeat(left.length), ..."+".repeat(right.length)];
  const width = right.length + 1, common = new Uint32Array((left.length + 1) * width);
  for (let row = left.length - 1; row >= 0; row -= 1) {
    for (let column = right.length - 1; column >= 0; column -= 1) {
      common[row * width + column] = left[row] === right[column] ? common[(row + 1) * width + column + 1] + 1
        : Math.max(common[(row + 1) * width + column], common[row * width + column + 1]);
    }
  }
  const steps = [];
  let row = 0, column = 0;
  while (row < left.length || column < right.length) {
    if (row < left.length && column < right.length && left[row] === right[column]) { steps.push(" "); row += 1; column += 1; }
    else if (column >= right.length || (row < left.length && common[(row + 1) * width + column] >= common[row * width + column + 1])) { steps.push("-"); row += 1; }
    else { steps.push("+"); column += 1; }
  }
  return steps;
}

/** The differences with `around` unchanged lines; longer runs become {kind: "…", lines}. */
export function hunks(rows, around = 3) {
  const near = new Uint8Array(rows.length);
  rows.forEach((row, index) => { if (row.kind !== " ") near.fill(1, Math.max(0, index - around), index + around + 1); });
  const shown = [];
  rows.forEach((row, index) => {
    if (near[index]) shown.push(row);
    else if (shown.at(-1)?.kind === "…") shown.at(-1).lines.push(row);
    else shown.push({kind: "…", lines: [row]});
  });
  return shown;
}
