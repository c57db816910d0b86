"""The service at work: over gRPC and with the engine alone."""
