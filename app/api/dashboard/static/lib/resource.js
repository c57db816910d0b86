// Reading for components.
import {get} from "./api.js";
import {useCallback, useEffect, useRef, useState} from "./html.js";

/**
 * `{data, problem, isLoading, reload}` of GET `path`; null as `path` reads nothing. Reads again when path or params
 * change, and every `everyMs`. Data stay on the screen while they are read again.
 */
export function useResource(path, params = {}, {everyMs = 0} = {}) {
  const [state, setState] = useState({data: null, problem: null, isLoading: path !== null, of: null});
  const key = path === null ? null : path + JSON.stringify(params);
  const current = useRef(key);
  current.current = key;
  const reload = useCallback(async () => {
    if (key === null) return;
    try {
      const data = await get(path, params);
      if (current.current === key) setState({data, problem: null, isLoading: false, of: key});
    } catch (problem) {
      if (current.current === key) setState(was => ({data: was.of === key ? was.data : null, problem, isLoading: false, of: key}));
    }
  }, [key]);
  useEffect(() => {
    setState(was => ({...was, isLoading: key !== null}));
    reload();
    if (!everyMs) return undefined;
    const timer = setInterval(() => { if (!document.hidden) reload(); }, everyMs);
    return () => clearInterval(timer);
  }, [key, everyMs]);
  return {...state, data: state.of === key ? state.data : null, stale: state.data, reload};
}
