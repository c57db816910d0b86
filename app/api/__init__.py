"""How others reach the service: one package per transport. Processes and `wiring` may import it."""
