"""Runs executions. The modules of this level (the hall) are the use cases that the APIs call, and the engine's ports.
The packages (the rooms) are `running`, `deciding`, `watching` and `planning`. The APIs, adapters and `wiring` may
import it; it imports `expressions`, `contracts` and `domain`.
"""
