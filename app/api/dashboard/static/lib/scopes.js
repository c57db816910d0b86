// Scopes and roles in words, for pages about keys.

/** Each role has what those before it have. `mark` is a scope that no role before it has: who lacks it cannot give the role. */
export const ROLES = [
  {role: "viewer", words: "reads definitions, executions, schedules and machines", mark: "definitions:read"},
  {role: "operator", words: "and starts, controls and signals executions, moves entities", mark: "executions:control"},
  {role: "editor", words: "and changes definitions, schedules and machines", mark: "definitions:write"},
  {role: "admin", words: "and manages keys, reads the audit log", mark: "keys:manage"},
  {role: "system", words: "and manages tenants", mark: "tenants:manage"},
];

/** [[thing, [scope, …]]], in the order of the things. */
export function grouped(scopes) {
  const groups = new Map();
  for (const scope of [...scopes].sort()) {
    const [thing] = scope.split(":");
    groups.set(thing, [...(groups.get(thing) || []), scope]);
  }
  return [...groups];
}
