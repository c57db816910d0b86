"""Decides what happens next, from the history alone. Pure: no clock, no I/O, no randomness. Everything in `app.engine`
may import it.
"""
