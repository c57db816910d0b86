"""The task type `http`: its config, the guarded network, the client, and handling of responses. For `app.tasks`."""
