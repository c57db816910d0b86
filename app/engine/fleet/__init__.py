"""The engines together: what they are and do, and the tasks of many executions at once."""
