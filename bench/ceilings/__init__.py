"""Ceilings: the minimum of network and database work for an execution, without an engine."""
