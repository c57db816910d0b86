"""Checks stored histories against what is promised, without any of the engine's code. Adapters may import it."""
