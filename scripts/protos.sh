#!/bin/sh
# Generates the gRPC stubs into the folder $1.
set -eu

# The path maps protos/ to the folder of the package, so that the stubs import each other by absolute names.
"${PYTHON:-python3}" -m grpc_tools.protoc -Iapp/api/grpc/generated=protos \
    --python_out="$1" --grpc_python_out="$1" --pyi_out="$1" protos/workflow.proto
