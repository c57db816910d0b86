"""Caches definitions, in Redis or in the process. `wiring` imports it."""
