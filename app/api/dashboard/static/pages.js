// All pages. To add one: a module in pages/ that exports `Page`, and a line here. Modules are loaded when they are shown.

/**
 * path    its address below /ui; `:name` becomes a property of the component
 * module  the file in pages/
 * title   of the window
 * nav     its word in the bar; without it the page is reached from others
 * key     after `g`
 * scope   what the caller needs to see it
 * under   the path whose word in the bar is marked
 */
export const PAGES = [
  {path: "/executions", module: "executions", title: "Executions", nav: "Executions", key: "e", scope: "executions:read"},
  {path: "/executions/:id", module: "execution", title: "Execution", scope: "executions:read", under: "/executions"},
];

export const START = "/executions";
