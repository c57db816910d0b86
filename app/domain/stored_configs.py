"""The built-in task types whose config is stored, so that it must not contain secrets."""

WHERE_TO_USE = "use the secret in the config of the task that needs it, of this workflow or of the child"

STORED_CONFIGS = {
    "workflow": "the input of a child execution is stored",
    "signal": "the name of an awaited signal is stored",
    "delay": "the time of a wait is stored",
    "transform": "its output is stored with the secret masked, and it does nothing else",
}
"""By task type, the reason why an expression in its config, or the list of its elements, must not use a secret."""
