"""Starts workflows by the clock. The APIs, adapters and `wiring` may import it; it imports only the domain."""
