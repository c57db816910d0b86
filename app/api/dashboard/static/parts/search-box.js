// A search whose words stand in the query of the address. `/` leads to it.
import {html, useEffect, useRef, useState} from "../lib/html.js";
import {query, setQuery} from "../lib/router.js";

const PAUSE_MS = 250;

/** `name` is the parameter; `forget` names others that a new search resets, as the number of the page. */
export function SearchBox({name = "q", label, forget = {}}) {
  const given = query.value.get(name) || "", timer = useRef(null);
  const [text, setText] = useState(given);
  useEffect(() => { setText(given); }, [given]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const search = (value, pause) => {
    clearTimeout(timer.current);
    setText(value);
    timer.current = setTimeout(() => setQuery({...forget, [name]: value.trim()}, {replace: true}), pause);
  };
  return html`<form role="search" onSubmit=${event => { event.preventDefault(); search(text, 0); }}>
    <input type="search" data-search aria-label=${label} placeholder=${label} value=${text} onInput=${event => search(event.currentTarget.value, PAUSE_MS)}/></form>`;
}
