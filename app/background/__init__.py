"""How a process does its work in the background: loops, wake-ups, pauses between tries, timers.

Every layer above the domain may import it. It knows no use case.
"""
