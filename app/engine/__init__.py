"""Runs executions. The modules of this level are the use cases that the APIs call, and the engine's ports. The
packages are `running`, `deciding`, `watching` and `planning`. The APIs, adapters and `wiring` may import it; it
imports `expressions`, `contracts` and `domain`.
"""
