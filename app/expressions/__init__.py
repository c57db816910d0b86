"""Expressions in definitions: `${…}` in configs, and conditions. The language is CEL."""
