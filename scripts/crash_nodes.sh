#!/usr/bin/env bash
# Two nodes on one PostgreSQL database under load: kills one again and again, restarts the database twice, verifies. Builds nothing.
#
#   scripts/crash_nodes.sh [SECONDS]     BIN: the binary (target/debug/feiqian); PAYERS: at once (8); SEED: of an earlier run
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${BIN:-${CARGO_TARGET_DIR:-target}/debug/feiqian}
[ -x "$binary" ] || { echo "crash_nodes: $binary is not there: build it (make crash-nodes does), or name one in BIN" >&2; exit 1; }
exec "${PYTHON:-python3}" tests/crash/nodes.py "${1:-300}" --binary "$binary" --payers "${PAYERS:-8}" ${SEED:+--seed "$SEED"}
