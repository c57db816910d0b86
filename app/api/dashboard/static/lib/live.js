// Events as they happen: one WebSocket for all that a tab follows. After every interruption a channel continues behind
// the last number that came. While no socket can be opened, followers are asked to poll.
//
//   const stop = follow({channel: "execution:…", after: 57, onEvent, onReset, poll});
//
// onEvent(event, type)   each event, once, in the order of its numbers
// onReset(problem)       the channel cannot continue: read the state again, then follow again
// poll()                 called every few seconds while there is no socket
import {api, needsSignIn} from "./api.js";
import {signal} from "./html.js";

const FIRST_PAUSE_MS = 300, LONGEST_PAUSE_MS = 8000, POLL_MS = 3000, PING_MS = 20_000, REFUSED_MS = 1000;
const SENDS_PER_SECOND = 8;
const NOT_AUTHENTICATED = 4401;
const OPEN = WebSocket.OPEN;

/** `live`, `connecting` (for a moment), `polling` (no socket), `off` (nothing is followed). */
export const link = signal("off");

const channels = new Map();
let socket = null, failures = 0, timer = null, poller = null, pinger = null, heard = true;
let outgoing = [], sender = null;

export function follow({channel, after = null, mode = "newest", onEvent, onReset = () => {}, poll = () => {}}) {
  const follower = {after, onEvent, onReset, poll};
  const known = channels.get(channel);
  if (known) known.followers.add(follower);
  else channels.set(channel, {mode, followers: new Set([follower])});
  if (!socket) connect();
  else if (socket.readyState === OPEN) subscribe(channel);
  return () => leave(channel, follower);
}

function leave(channel, follower) {
  const known = channels.get(channel);
  if (!known?.followers.delete(follower) || known.followers.size) return;
  channels.delete(channel);
  outgoing = outgoing.filter(message => message.channel !== channel);
  if (socket?.readyState === OPEN) say({action: "unsubscribe", channel});
}

function connect() {
  clearTimeout(timer);
  timer = null;
  if (link.value !== "polling") link.value = "connecting";
  const url = new URL("ws", api);
  url.protocol = url.protocol.replace("http", "ws");
  const opened = socket = new WebSocket(url);
  opened.onopen = () => { failures = 0; heard = true; becomeLive(); for (const channel of channels.keys()) subscribe(channel); };
  opened.onmessage = ({data}) => { heard = true; receive(JSON.parse(data)); };
  opened.onclose = event => { if (socket === opened) lost(event); };
}

function becomeLive() {
  link.value = "live";
  clearInterval(poller);
  poller = null;
  clearInterval(pinger);
  pinger = setInterval(ping, PING_MS);
}

function ping() {
  if (!heard) { socket.close(); return; }
  heard = false;
  say({action: "ping"});
}

function lost({code}) {
  socket = null;
  outgoing = [];
  clearInterval(pinger);
  if (code === NOT_AUTHENTICATED) needsSignIn.value = true;
  if (!channels.size) { link.value = "off"; return; }
  failures += 1;
  if (failures > 1) startPolling();
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
  timer = setTimeout(connect, pause);
}

function startPolling() {
  link.value = "polling";
  poller ??= setInterval(() => {
    if (document.hidden) return;
    for (const {followers} of channels.values()) for (const {poll} of followers) poll();
  }, POLL_MS);
}

function hurry() {
  if (document.hidden || !channels.size) return;
  if (!socket) { failures = 0; connect(); }
}

addEventListener("online", hurry);
document.addEventListener("visibilitychange", hurry);

function subscribe(channel) {
  const {mode, followers} = channels.get(channel);
  const numbers = [...followers].map(follower => follower.after).filter(after => after !== null);
  const message = {action: "subscribe", channel, mode};
  if (numbers.length) message.after = Math.min(...numbers);
  say(message);
}

/** Send soon: the service refuses more than ten messages in a second. */
function say(message) {
  outgoing.push(message);
  if (!sender) sendNext();
}

function sendNext() {
  const message = outgoing.shift();
  if (!message || socket?.readyState !== OPEN) { sender = null; return; }
  socket.send(JSON.stringify(message));
  sender = setTimeout(sendNext, 1000 / SENDS_PER_SECOND);
}

function receive({type, channel, data}) {
  const known = channels.get(channel);
  if (!known) return;
  const followers = [...known.followers];
  if (type === "subscribed") for (const follower of followers) follower.after ??= isHistory(channel) ? null : data.after;
  else if (type === "resync") resync(channel, followers, data.after);
  else if (type === "error") setTimeout(() => { for (const follower of followers) if (known.followers.has(follower)) follower.onReset(data); }, REFUSED_MS);
  else if (type.endsWith("_update")) deliver(known.mode === "all" || isHistory(channel), channel, followers, data, type);
}

/** In the mode "newest" numbers may come in any order, and each event is the newest one of its execution. */
function deliver(isInOrder, channel, followers, event, type) {
  const number = isHistory(channel) ? event.sequence : event.position;
  for (const follower of followers) {
    if (number !== null && number !== undefined) {
      if (isInOrder && follower.after !== null && number <= follower.after) continue;
      follower.after = Math.max(follower.after ?? 0, number);
    }
    follower.onEvent(event, type);
  }
}

function resync(channel, followers, after) {
  if (after === null || after === undefined) {
    for (const follower of followers) follower.onReset({code: "resync", message: "too much has happened"});
    return;
  }
  for (const follower of followers) follower.after = Math.max(follower.after ?? 0, after);
  subscribe(channel);
}

const isHistory = channel => /^(execution|entity):/.test(channel);

/** For tests and for the page about the connection: how it stands. */
export const linkState = () => ({link: link.value, failures, channels: [...channels.keys()]});
