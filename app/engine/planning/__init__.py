"""Compiles a stored revision into a plan, once for all its executions. All of `app.engine` may import it."""
