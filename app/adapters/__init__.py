"""Implements the ports of the use cases: one package per role. The packages do not import each other. Processes and
`wiring` may import them.
"""
