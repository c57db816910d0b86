"""Runs the gRPC process: `python run_grpc_server.py`."""

from app.grpc_main import main

if __name__ == "__main__":
    main()
