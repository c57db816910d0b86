"""Reads, lists and creates over REST, compared with ceilings and with the usual way."""
