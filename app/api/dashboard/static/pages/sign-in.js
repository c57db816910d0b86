// Shown instead of every page while it is not known who calls.
import {html, useEffect, useRef, useState} from "../lib/html.js";
import {signIn} from "../lib/session.js";
import {ProblemBox} from "../parts/problem.js";

export function Page() {
  const [problem, setProblem] = useState(null), [isBusy, setBusy] = useState(false), box = useRef(null);
  useEffect(() => { document.title = "Sign in · Workflows"; box.current.focus(); }, []);
  const submit = async event => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      await signIn(box.current.value);
    } catch (error) {
      setProblem(error);
      box.current?.select();
    } finally {
      setBusy(false);
    }
  };
  return html`<main class="sign-in"><form class="box" onSubmit=${submit}>
    <header><h1>Sign in</h1></header>
    <div class="in stack">
      <label class="field">API key or token<input ref=${box} type="password" name="credential" autocomplete="current-password" required placeholder="wfk_…"/></label>
      <${ProblemBox} problem=${problem}/>
      <div class="row"><button class="primary" disabled=${isBusy}>${isBusy ? "…" : "Sign in"}</button>
        <span class="faint">for 12 hours on this browser; the key itself is not kept</span></div>
    </div></form></main>`;
}
