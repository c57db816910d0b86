"""The feed: all events of a tenant, across executions, in the order of commits, each with its position.

Positions are 1, 2, 3, … over all tenants. They are given after the commit, by readers, so a reader misses nothing that
is committed late. Events of executions that have been removed leave positions without an event.
"""
