"""Storing and running flows, over the definitions and the executions. The APIs and `wiring` may import it."""
