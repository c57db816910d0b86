"""Who calls, and may they: API keys, tokens of identity providers, tenants.

The table of permissions is in `app/domain/permissions.py`.
"""
