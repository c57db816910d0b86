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

  // definitions, and what moves by them
  {path: "/workflows", module: "workflows", title: "Workflows", nav: "Workflows", key: "w", scope: "definitions:read"},
  {path: "/workflows/new", module: "workflow-editor", title: "New workflow", scope: "definitions:write", under: "/workflows"},
  {path: "/workflows/:id", module: "workflow", title: "Workflow", scope: "definitions:read", under: "/workflows"},
  {path: "/workflows/:id/edit", module: "workflow-editor", title: "Edit workflow", scope: "definitions:write", under: "/workflows"},
  {path: "/schedules", module: "schedules", title: "Schedules", nav: "Schedules", key: "s", scope: "schedules:read"},
  {path: "/machines", module: "machines", title: "Machines", nav: "Machines", key: "m", scope: "machines:read"},
  {path: "/machines/:id", module: "machine", title: "Machine", scope: "machines:read", under: "/machines"},
  {path: "/entities", module: "entities", title: "Entities", nav: "Entities", key: "n", scope: "machines:read"},
  {path: "/entities/:id", module: "entity", title: "Entity", scope: "machines:read", under: "/entities"},
];

export const START = "/executions";
