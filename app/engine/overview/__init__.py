"""Executions as people look at them: lists with progress, one with all attempts, counts, statistics."""
