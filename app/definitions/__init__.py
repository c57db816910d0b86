"""Creates, changes, reads and compares workflows. The APIs, adapters, `flows` and `wiring` may import it."""
