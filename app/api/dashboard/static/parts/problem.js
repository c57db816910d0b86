// What went wrong, in the words of the service.
import {html} from "../lib/html.js";

export function ProblemBox({problem, title, onRetry}) {
  if (!problem) return null;
  return html`<div class="problem" role="alert">
    <div class="row wrap"><strong class="grow">${title || problem.detail || problem.message}</strong>
      ${problem.code && html`<span class="code">${problem.code}</span>`}</div>
    ${title && html`<div>${problem.detail || problem.message}</div>`}
    ${problem.errors?.length > 0 && html`<ul>${problem.errors.map(error => html`<li><code>${error.field || error.path}</code> ${error.message}</li>`)}</ul>`}
    ${(problem.requestId || onRetry) && html`<div class="row">
      ${onRetry && html`<button class="tiny" onClick=${onRetry}>Try again</button>`}
      ${problem.requestId && problem.status >= 500 && html`<span class="faint mono">request ${problem.requestId}</span>`}</div>`}
  </div>`;
}

/** Shows what a resource has: its problem, that it loads, or its data by `children(data)`. */
export function Loaded({of, children}) {
  if (of.data !== null) return html`<${ProblemBox} problem=${of.problem} onRetry=${of.reload}/>${children(of.data)}`;
  if (of.problem) return html`<${ProblemBox} problem=${of.problem} onRetry=${of.problem.isPassing ? of.reload : null}/>`;
  return html`<p class="empty" aria-busy="true">Loading …</p>`;
}

export const Empty = ({title, children}) => html`<div class="empty"><h2>${title}</h2>${children}</div>`;
