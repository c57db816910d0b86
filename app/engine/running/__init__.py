"""Runs executions: claims them, starts attempts, records what happened.

`engine` holds runs, `run` decides on one execution, `recorder` writes what was decided, `effects` start what is stored.
`wiring` and the top level of the engine may import it.
"""
