// Scales and bins: what charts compute before they draw.

/** Round numbers from 0 to at least `most`: [0, 2, 4, 6]. */
export function ticks(most, count = 4) {
  if (!(most > 0)) return [0, 1];
  const rough = most / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(one => one * power).find(one => one >= rough * 0.999);
  const found = [];
  for (let number = 0; number <= Math.ceil(most / step - 1e-9); number += 1) found.push(Number((number * step).toPrecision(12)));
  return found;
}

/** How many values lie between every two neighbouring bounds; the last bin has what lies above, too. */
export function bins(values, most, count) {
  const found = new Array(count).fill(0);
  for (const value of values) found[Math.min(count - 1, Math.max(0, Math.floor(value / most * count)))] += 1;
  return found;
}

/** The instant in the first 48 bits of a UUIDv7, in ms. */
export const millisOf = id => parseInt(id.replaceAll("-", "").slice(0, 12), 16);
const DAY_MS = 86_400_000;

/** [{day, all, bad}] for each day from the first observation to the last one, by local midnights. */
export function byDay(observations) {
  const days = new Map();
  for (const {at, isBad} of observations) {
    const day = new Date(at).setHours(0, 0, 0, 0), known = days.get(day) || {day, all: 0, bad: 0};
    days.set(day, {day, all: known.all + 1, bad: known.bad + isBad});
  }
  const sorted = [...days.keys()].sort((a, b) => a - b), found = [];
  for (let day = sorted[0]; day <= sorted.at(-1); day = new Date(day + DAY_MS * 1.25).setHours(0, 0, 0, 0)) found.push(days.get(day) || {day, all: 0, bad: 0});
  return found;
}

/** The value below which a share of the sorted values lies. */
export const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
