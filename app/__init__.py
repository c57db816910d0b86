"""The service. `docs/architecture.md` describes its packages and which may import which."""
