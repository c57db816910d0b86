"""The REST API over the services of the use cases. Processes and `wiring` import it; `cli.files` uses its models."""
