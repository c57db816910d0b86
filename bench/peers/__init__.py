"""Peers: other engines with the same work, each in its own environment."""
