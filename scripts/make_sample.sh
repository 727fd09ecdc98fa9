#!/usr/bin/env bash
# Make data/sample, the 500 rows that are committed. A test makes them again and compares the bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf data/sample
jaxir generate --config small --out data/sample
rm -rf data/sample/.jaxir
