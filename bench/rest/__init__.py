"""Reads, lists and creates over REST, against ceilings and against the usual way."""
