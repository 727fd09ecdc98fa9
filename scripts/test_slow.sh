#!/usr/bin/env bash
# The tests that take minutes: hanging workers, a kill before every single disk call, and others.
set -euo pipefail
cd "$(dirname "$0")/.."
exec pytest -m slow "$@"
