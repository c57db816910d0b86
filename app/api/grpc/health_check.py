"""The health check of containers: `python -m app.api.grpc.health_check [HOST:PORT]` exits 0 when the server reports
SERVING.

Without an address it calls this host at GRPC_PORT, the port of the server in the same container.
"""

import os
import sys
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

DEFAULT_PORT = "50051"
TIMEOUT_SECONDS = 3.0


def serving(target: str) -> bool:
    with grpc.insecure_channel(target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def main() -> None:
    target = sys.argv[1] if len(sys.argv) > 1 else f"127.0.0.1:{os.environ.get('GRPC_PORT') or DEFAULT_PORT}"
    sys.exit(0 if serving(target) else 1)


if __name__ == "__main__":
    main()
