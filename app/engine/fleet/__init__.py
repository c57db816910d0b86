"""Engines, and the tasks of many executions at once, as dashboards show them."""
