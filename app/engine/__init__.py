"""Runs executions: this level is what the APIs call and what the engine needs; `running`, `deciding`, `watching` and
`planning` are its rooms. The edges and `wiring` may import it; it imports `expressions`, `contracts` and `domain`.
"""
