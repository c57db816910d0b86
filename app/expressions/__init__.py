"""Expressions in definitions: `${…}` in configs, and conditions. The language is CEL.

Anything above the domain may import it.
"""
