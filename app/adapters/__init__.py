"""How the service reaches out: one package per role, which do not import each other. Processes and `wiring` may import
it.
"""
