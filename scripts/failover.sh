#!/usr/bin/env bash
# Two nodes on PostgreSQL with a synchronous standby: loses the primary under load, then restores an earlier moment. Builds nothing.
#
#   scripts/failover.sh [SECONDS]     BIN: the binary (target/debug/feiqian); PAYERS: at once (8); SEED: of an earlier run
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${BIN:-${CARGO_TARGET_DIR:-target}/debug/feiqian}
[ -x "$binary" ] || { echo "failover: $binary is not there: build it (make failover does), or name one in BIN" >&2; exit 1; }
exec "${PYTHON:-python3}" tests/crash/failover.py "${1:-30}" --binary "$binary" --payers "${PAYERS:-8}" ${SEED:+--seed "$SEED"}
