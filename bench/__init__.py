"""Benchmarks: the service compared with ceilings and with other engines. See docs/performance.md.

`python -m bench` runs everything; each package also runs alone. The packages import nothing, because the programs of
the peers run in environments without the service and its dependencies.
"""
