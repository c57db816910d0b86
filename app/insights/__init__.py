"""Suggestions: improvements of definitions that are computed from the histories of their own executions.

The rules and the statistics are pure: they take samples as plain values. What reads samples, and what stores and
decides suggestions, comes in by `ports.py`.
"""
