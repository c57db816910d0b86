"""Executions of the service: over gRPC, and with the engine alone."""
