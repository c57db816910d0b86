"""Measuring tools: what the service costs, against what is possible and against others. See docs/performance.md.

`python -m bench` runs everything; each package below it also runs alone. Packages are empty of imports, because the
programs of the peers run in environments that hold neither the service nor its dependencies.
"""
