"""Runs executions. This level, the hall, has what the APIs call and the engine's ports; `running`, `deciding`,
`watching` and `planning` are its rooms. The APIs, adapters and `wiring` may import it; it imports `expressions`,
`contracts` and `domain`.
"""
