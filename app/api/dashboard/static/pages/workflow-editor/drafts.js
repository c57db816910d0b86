// Texts that were not saved, kept while the tab lives, to be there when the page is opened again.
const name = id => `draft of workflow ${id ?? "new"}`;

export const drafts = {
  /** The text that was written from this revision; null without one. */
  find(id, base) {
    const kept = JSON.parse(sessionStorage.getItem(name(id)) || "null");
    return kept && kept.etag === base.etag && kept.text !== base.text ? kept : null;
  },

  keep(id, draft) {
    if (draft === null) sessionStorage.removeItem(name(id));
    else sessionStorage.setItem(name(id), JSON.stringify(draft));
  },
};
