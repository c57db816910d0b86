"""The task type `http`: its config, connections, redirects, and handling of responses. For `app.tasks`."""
