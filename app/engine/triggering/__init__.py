"""Triggers: starts of executions whose id the caller may choose, stored for any engine to claim."""
