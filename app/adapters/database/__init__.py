"""Implements the ports of the use cases with PostgreSQL. Processes, `wiring` and migrations import it."""
