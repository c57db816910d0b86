// The few things that every module needs of the libraries, under one name.
import {h, render, Fragment} from "../vendor/preact.js";
import {useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState} from "../vendor/preact-hooks.js";
import {batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect} from "../vendor/signals.js";
import htm from "../vendor/htm.js";

export const html = htm.bind(h);
export {h, render, Fragment};
export {useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState};
export {batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect};

/** Class names from words and conditions: `cls("row", isOpen && "open")`. */
export const cls = (...names) => names.filter(Boolean).join(" ");
