"""Runs executions: claims them, starts attempts, records what happened. `wiring` and the hall of the engine may import
it.
"""
