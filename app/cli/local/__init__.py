"""Starts and supervises the service on this computer. Only `app.cli` and `run_grpc_server.py` import it."""
