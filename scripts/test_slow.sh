#!/usr/bin/env bash
# The tests that take minutes: hanging workers, a kill before every single disk call, a Ray cluster that loses a node,
# and others; among them a run of 100,000 rows, which takes hours (without it: --deselect tests/test_scale.py).
set -euo pipefail
cd "$(dirname "$0")/.."
# The tests of the Ray engine need Ray, which no other test does.
python -c "import ray" 2>/dev/null || python -m pip install -q -e '.[ray]'
exec pytest -m slow "$@"
