"""Evaluates expressions and schemas so that no event loop waits long: a little at once, the rest in other processes."""
