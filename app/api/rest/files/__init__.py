"""Definitions as texts: YAML and JSON, with the line and column of every value."""
