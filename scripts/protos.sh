#!/bin/sh
# Generates the gRPC stubs into the folder $1.
set -eu

# Stubs import each other as the protos do. So the protos are compiled in the folder of the package, where they import
# each other by its name: the stubs then have absolute imports.
folder=app/api/grpc/generated
protos=$(mktemp -d)
trap 'rm -rf "$protos"' EXIT
mkdir -p "$protos/$folder"
for file in workflow machine; do
    sed "s|^import \"workflow.proto\"|import \"$folder/workflow.proto\"|" "protos/$file.proto" >"$protos/$folder/$file.proto"
done
"${PYTHON:-python3}" -m grpc_tools.protoc -I"$protos" --python_out="$1" --grpc_python_out="$1" --pyi_out="$1" \
    "$folder/workflow.proto" "$folder/machine.proto"
