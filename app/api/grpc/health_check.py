"""The health check of containers: `python -m app.api.grpc.health_check [HOST:PORT]` exits 0 when the server reports
SERVING.

Without an address it calls this host at GRPC_PORT, the port of the server in the same container, with TLS if
TLS_CERTIFICATE is set. A server that demands a certificate gets the one that WORKFLOW_TLS_CERTIFICATE names, or the
server's own.
"""

import os
import sys
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from app.api.grpc.channels import open_channel
from app.api.grpc.tls_files import SECURE, trust_own

DEFAULT_PORT = "50051"
TIMEOUT_SECONDS = 3.0


def serving(target: str) -> bool:
    with open_channel(target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def own_address() -> str:
    """The address of the server in this container; from then on its own certificate is trusted and shown."""
    address = f"127.0.0.1:{os.environ.get('GRPC_PORT') or DEFAULT_PORT}"
    if not (certificate := os.environ.get("TLS_CERTIFICATE")):
        return address
    trust_own(certificate, os.environ.get("TLS_KEY", ""))
    return SECURE + address


def main() -> None:
    sys.exit(0 if serving(sys.argv[1] if len(sys.argv) > 1 else own_address()) else 1)


if __name__ == "__main__":
    main()
