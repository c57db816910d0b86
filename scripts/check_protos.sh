#!/bin/sh
# Fails if the committed gRPC stubs differ from those generated from protos/.
set -eu

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
sh scripts/protos.sh "$fresh"
if ! diff -ru --exclude=__init__.py --exclude=__pycache__ app/api/grpc/generated "$fresh/app/api/grpc/generated"; then
    echo "The gRPC stubs are not up to date: run make protos." >&2
    exit 1
fi
