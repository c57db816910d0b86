"""Dialects: other ways to say what this API says, over the same services. docs/dialects.md describes them."""
