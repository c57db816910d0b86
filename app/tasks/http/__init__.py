"""The task type `http`: configs, the guarded network, the client, and what becomes of a response."""
