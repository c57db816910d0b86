"""Expressions in definitions: `${…}` in configs, and conditions. The language is CEL, which only this package imports.

Anything above the domain may import it.
"""
