"""Decides what happens next, from the history alone. Pure: no clock, no I/O, no randomness.

`state` folds the events, `course` says which task comes next, `decider` which commands follow, `transitions` and
`drafts` make the events of these. Everything in `app.engine` may import it, except `planning`.
"""
