"""The audit log: who has changed what, in a chain of hashes for each tenant.

Adapters write an entry in the transaction of the change itself. Why a chain, and what it shows: docs/decisions/0041.
"""
