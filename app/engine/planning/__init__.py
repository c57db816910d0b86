"""Compiles a stored revision into a plan, which all its executions share. All of `app.engine` may import it."""
