"""`/pg`: machines and entities in the words of engines that are called through PostgREST.

Tables are read below `/pg/api`, and functions are called below `/pg/rpc`. docs/dialects.md describes them.
"""
