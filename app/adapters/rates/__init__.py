"""Counts requests with the library `limits`: in Redis, or in the process. `wiring` imports it."""
