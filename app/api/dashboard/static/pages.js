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

  // operations
  {path: "/flows", module: "flows", title: "Flows", scope: "definitions:read", under: "/workflows"},
  {path: "/flows/:id", module: "flow", title: "Flow", scope: "definitions:read", under: "/workflows"},
  {path: "/suggestions", module: "suggestions", title: "Suggestions", nav: "Suggestions", scope: "definitions:read"},
  {path: "/suggestions/:id", module: "suggestion", title: "Suggestion", scope: "definitions:read", under: "/suggestions"},
  {path: "/events", module: "events", title: "Events", nav: "Events", scope: "executions:read"},
  {path: "/engines", module: "engines", title: "Engines", nav: "Engines", scope: "executions:read"},
  {path: "/engines/:id", module: "engine", title: "Engine", scope: "executions:read", under: "/engines"},
  {path: "/audit", module: "audit", title: "Audit log", nav: "Audit", key: "a", scope: "audit:read"},
  {path: "/audit/:number", module: "audit-entry", title: "Audit entry", scope: "audit:read", under: "/audit"},
  {path: "/keys", module: "keys", title: "Keys", nav: "Keys", scope: "keys:manage"},
  {path: "/tenants", module: "tenants", title: "Tenants", nav: "Tenants", scope: "tenants:manage"},
  {path: "/me", module: "me", title: "You"},
];

export const START = "/executions";
