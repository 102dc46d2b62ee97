#!/usr/bin/env bash
# Kills the server under load and verifies, so many times. Builds nothing.
#
#   scripts/crash.sh [ROUNDS]     BIN: the binary (target/debug/feiqian); PAYMENTS: at once (200); SEED: of an earlier run
set -euo pipefail
cd "$(dirname "$0")/.."

binary=${BIN:-${CARGO_TARGET_DIR:-target}/debug/feiqian}
[ -x "$binary" ] || { echo "crash: $binary is not there: build it (make crash does), or name one in BIN" >&2; exit 1; }
exec "${PYTHON:-python3}" tests/crash/campaign.py "${1:-20}" --binary "$binary" --payments "${PAYMENTS:-200}" ${SEED:+--seed "$SEED"}
