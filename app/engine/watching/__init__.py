"""Delivers committed events to watchers in this process and wakes those in others. APIs, `wiring` and `app.engine` may
import it.
"""
