#!/usr/bin/env bash
# The tests that take minutes: the main job at full size, every row of it lowered again in a process of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
exec pytest -m slow "$@"
