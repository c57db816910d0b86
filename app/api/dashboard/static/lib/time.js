// Times and durations as people read them. The local time is shown; UTC is in the title.
import {effect, signal} from "./html.js";

/** The current time in ms, on the server's clock as far as it is known. Changes every second while something watches. */
export const now = signal(Date.now());
setInterval(() => { if (!document.hidden) now.value = Date.now(); }, 1000);
document.addEventListener("visibilitychange", () => { now.value = Date.now(); });

const pad = (number, width = 2) => String(number).padStart(width, "0");

/** `08:33:01`, with the date before it if it is another day. */
export function clock(instant, {withMillis = false, withDate = "auto"} = {}) {
  if (!instant) return "";
  const date = new Date(instant);
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
    + (withMillis ? `.${pad(date.getMilliseconds(), 3)}` : "");
  const isToday = date.toDateString() === new Date(now.peek()).toDateString();
  return withDate === "never" || (withDate === "auto" && isToday) ? time : `${day(date)} ${time}`;
}

function day(date) {
  const month = date.toLocaleString(undefined, {month: "short"});
  const year = date.getFullYear() === new Date(now.peek()).getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${pad(date.getDate())} ${month}${year}`;
}

/** The whole instant in UTC, for titles. */
export const utc = instant => (instant ? new Date(instant).toISOString().replace("T", " ").replace("Z", " UTC") : "");

/** `320 ms`, `4.2 s`, `3 m 05 s`, `2 h 07 m`, `3 d 4 h`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "";
  const s = Math.max(0, seconds);
  if (s < 0.9995) return `${Math.round(s * 1000)} ms`;
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 59.5) return `${Math.round(s)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${pad(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** Seconds between two instants; until now without an end; null without a start. */
export function between(start, end) {
  return start ? ((end ? Date.parse(end) : now.value) - Date.parse(start)) / 1000 : null;
}

/** `just now`, `5 m ago`, `in 3 h`. */
export function ago(instant) {
  const seconds = (now.value - Date.parse(instant)) / 1000, size = Math.abs(seconds);
  const text = size < 60 ? `${Math.floor(size)} s` : size < 3600 ? `${Math.floor(size / 60)} m`
    : size < 86400 ? `${Math.floor(size / 3600)} h` : `${Math.floor(size / 86400)} d`;
  return seconds < -1 ? `in ${text}` : seconds < 5 ? "just now" : `${text} ago`;
}
