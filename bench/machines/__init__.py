"""Transitions of entities over REST, compared with the bare update of a locked row."""
