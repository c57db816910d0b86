"""The APIs of the service: one package per transport. Processes and `wiring` may import it."""
