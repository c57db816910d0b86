"""The gRPC API over the services of the use cases. Processes and `wiring` may import it."""
