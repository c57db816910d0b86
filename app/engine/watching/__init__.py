"""Delivers committed events to watchers in this process and wakes up watchers in other processes. APIs, `wiring` and
`app.engine` may import it.
"""
