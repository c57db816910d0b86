// Small charts. Each says in words what it shows; lines and areas have the colours of states.
import {html, useEffect, useRef, useState} from "../lib/html.js";
import {bins, byDay, quantile, ticks} from "../lib/charts.js";

const LEFT = 8, RIGHT = 12;

/** The width of the box, so that a chart is drawn in real pixels. */
function useWidth() {
  const box = useRef(null), [width, setWidth] = useState(600);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.max(240, Math.floor(entry.contentRect.width))));
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  return [box, width];
}

function Axis({x, marks, y, text}) {
  return html`<g class="axis"><line x1=${x(marks[0])} x2=${x(marks.at(-1))} y1=${y} y2=${y}/>
    ${marks.map((mark, at) => html`<g key=${mark}><line x1=${x(mark)} x2=${x(mark)} y1=${y} y2=${y + 4}/>
      <text x=${x(mark)} y=${y + 16} text-anchor=${at === 0 ? "start" : at === marks.length - 1 ? "end" : "middle"}>${text(mark)}</text></g>`)}</g>`;
}

/**
 * Estimates with their bounds on one scale. A side without a bound ends in an arrow: nothing is known there.
 * `rows` are [{title, estimate, low, high, tone}]. Marks are round multiples of `round`.
 */
export function Intervals({rows, text, label, round = 1}) {
  const [box, width] = useWidth(), ROW = 40;
  const most = Math.max(...rows.map(row => Math.max(row.high ?? row.estimate * 1.15, row.estimate))) * 1.05;
  const marks = ticks(most / round, width < 460 ? 3 : 5).map(mark => mark * round);
  const x = value => LEFT + (width - LEFT - RIGHT) * value / marks.at(-1), bottom = rows.length * ROW + 4;
  return html`<div ref=${box} class="chart"><svg width=${width} height=${bottom + 22} role="img" aria-label=${label}>
    ${rows.map((row, at) => html`<g key=${row.title} class=${`tone-${row.tone}`}><text class="title" x=${LEFT} y=${at * ROW + 14}>${row.title}</text>
      <${Interval} ...${row} x=${x} y=${at * ROW + 27} end=${width - 3}/></g>`)}
    <${Axis} x=${x} marks=${marks} y=${bottom} text=${text}/></svg></div>`;
}

function Interval({estimate, low, high, x, y, end}) {
  const from = low === null || low === undefined ? x(0) : x(low), to = high === null || high === undefined ? end : x(high);
  const isExact = low === undefined && high === undefined;
  return html`${!isExact && html`<rect class="range" x=${from} y=${y - 5} width=${Math.max(2, to - from)} height="10" rx="2"/>`}
    ${!isExact && low === null && html`<path class="open" d="M${from + 6} ${y - 5}l-6 5 6 5"/>`}${!isExact && high === null && html`<path class="open" d="M${to - 6} ${y - 5}l6 5-6 5"/>`}
    <line class="estimate" x1=${x(estimate)} x2=${x(estimate)} y1=${y - 8} y2=${y + 8}/>`;
}

/** How often values occur. The scale ends at the 99.5th percentile or the last line, and says how many lie above. `lines` are [{at, title, tone}]. */
export function Histogram({values, lines = [], text, label}) {
  const [box, width] = useWidth(), HEIGHT = 120, TOP = 16 * lines.length + 8;
  const sorted = [...values].sort((a, b) => a - b), wanted = Math.max(quantile(sorted, 0.995) * 1.02, ...lines.map(line => line.at * 1.04));
  const marks = ticks(wanted, width < 460 ? 3 : 6), most = marks.at(-1), counts = bins(values, most, Math.max(12, Math.floor(width / 16)));
  const above = values.filter(value => value > most).length, highest = Math.max(1, ...counts);
  const x = value => LEFT + (width - LEFT - RIGHT) * value / most, step = (width - LEFT - RIGHT) / counts.length, bottom = TOP + HEIGHT;
  return html`<div ref=${box} class="chart"><svg width=${width} height=${bottom + 22} role="img" aria-label=${label}>
    ${counts.map((count, at) => html`<rect key=${at} class="c-bar" x=${LEFT + at * step + 0.5} width=${Math.max(1, step - 1)} y=${bottom - HEIGHT * count / highest} height=${HEIGHT * count / highest}/>`)}
    ${lines.map((line, at) => html`<${Mark} key=${line.title} ...${line} x=${x(line.at)} width=${width} y=${16 * at} bottom=${bottom} isLeft=${line.at <= Math.min(...lines.map(one => one.at))} text=${text}/>`)}
    <${Axis} x=${x} marks=${marks} y=${bottom} text=${text}/></svg>
    ${above > 0 && html`<p class="faint">${above} more lie above ${text(most)}; the largest is ${text(sorted.at(-1))}.</p>`}</div>`;
}

/** A line with its name beside it: the leftmost one has it to the left, where there is room. */
function Mark({title, at, tone, x, y, width, bottom, isLeft, text}) {
  const LONG = 140, toLeft = isLeft ? x > LONG : x > width - LONG;
  return html`<g class=${`mark tone-${tone}`}><line x1=${x} x2=${x} y1=${y + 2} y2=${bottom}/>
    <text x=${x} y=${y + 11} dx=${toLeft ? -5 : 5} text-anchor=${toLeft ? "end" : "start"}>${title} ${text(at)}</text></g>`;
}

/** Observations day by day, and those that count. `observations` are [{at, isBad}]. */
export function Days({observations, label, all, bad}) {
  const [box, width] = useWidth(), HEIGHT = 96, days = byDay(observations), highest = Math.max(1, ...days.map(day => day.all));
  const step = (width - LEFT - RIGHT) / days.length, bar = Math.max(2, Math.min(34, step - 2));
  const date = day => new Date(day).toLocaleDateString(undefined, {day: "numeric", month: "short"});
  return html`<div ref=${box} class="chart"><svg width=${width} height=${HEIGHT + 30} role="img" aria-label=${label}>
    ${days.map((one, at) => html`<g key=${one.day} transform="translate(${LEFT + at * step + (step - bar) / 2} 0)"><title>${date(one.day)}: ${one.bad} of ${one.all}</title>
      <rect class="c-bar" width=${bar} y=${8 + HEIGHT * (1 - one.all / highest)} height=${HEIGHT * (one.all - one.bad) / highest}/>
      <rect class="c-bad" width=${bar} y=${8 + HEIGHT * (1 - one.bad / highest)} height=${HEIGHT * one.bad / highest}/></g>`)}
    <g class="axis"><line x1=${LEFT} x2=${width - RIGHT} y1=${HEIGHT + 8} y2=${HEIGHT + 8}/><text x=${LEFT} y=${HEIGHT + 24}>${date(days[0].day)}</text>
      <text x=${width - RIGHT} y=${HEIGHT + 24} text-anchor="end">${date(days.at(-1).day)}</text></g></svg>
    <p class="faint legend"><i class="l-bad"></i>${bad} <i class="l-all"></i>${all}; up to ${highest} a day</p></div>`;
}
