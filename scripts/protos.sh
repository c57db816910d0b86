#!/bin/sh
# Generates the gRPC stubs below the folder $1.
set -eu

# The first path maps protos/ to the package's folder, which makes the stubs' imports absolute.
"${PYTHON:-python3}" -m grpc_tools.protoc -Iapp/api/grpc/generated=protos \
    --python_out="$1" --grpc_python_out="$1" --pyi_out="$1" protos/workflow.proto
