"""The walls between tenants in the database: roles, their rights, and forced row-level security.

`rules` says what every role may do with every table, `raising` makes a database so, `self_test` looks whether it is.
"""
