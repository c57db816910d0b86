// Texts that were not saved, kept while the tab lives, to be there when the page is opened again.
const name = id => `draft of workflow ${id ?? "new"}`;

export const drafts = {
  /** {text, language, etag, revision}: what was written, and from which revision; null without one. */
  find(id, stored) {
    const kept = JSON.parse(sessionStorage.getItem(name(id)) || "null");
    return kept && kept.text !== stored.text ? kept : null;
  },

  keep(id, draft) {
    if (draft === null) sessionStorage.removeItem(name(id));
    else sessionStorage.setItem(name(id), JSON.stringify(draft));
  },
};
