#!/usr/bin/env bash
# Runs every fuzz target for a while, from its committed seeds, and says what came of it. What fails stays in
# target/fuzz/findings; shorten it, commit it under fuzz/seeds/<target>/ and mend the reader.
#
#   scripts/fuzz.sh SECONDS [TARGET…]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-20}
shift || true
target=$(realpath "${CARGO_TARGET_DIR:-target}")
work=$target/fuzz
mkdir -p "$work/findings"

names=("$@")
if [ ${#names[@]} = 0 ]; then
  mapfile -t names < <(sed -n 's/^    Target { name: "\([a-z_]*\)".*/\1/p' crates/hostile/src/lib.rs)
fi

# The readers hold no unsafe code, so the address sanitizer would only halve the speed; overflows and assertions do panic.
cp Cargo.lock fuzz/Cargo.lock
echo "building the fuzzer (the first time takes some minutes)"
PATH="$target/tools/bin:$PATH" CARGO_TARGET_DIR="$work/build" cargo fuzz build --sanitizer none --target-dir "$work/build" reader \
  >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; exit 1; }
program=$(find "$work/build" -type f -path '*/release/reader' | head -1)

printf '%-20s %12s %10s %8s %s\n' target executions per_second seeds findings
failed=0 total=0
for name in "${names[@]}"; do
  mkdir -p "$work/corpus/$name"
  log=$work/$name.log status=0
  # What one input may take is bounded as well: 2 s and 1 GiB.
  FEIQIAN_FUZZ_TARGET=$name "$program" -max_total_time="$seconds" -timeout=2 -rss_limit_mb=1024 -print_final_stats=1 \
    -artifact_prefix="$work/findings/$name-" "$work/corpus/$name" "fuzz/seeds/$name" >"$log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  found=none
  if [ "$status" != 0 ]; then
    failed=1
    found=$(sed -n "s|.*Test unit written to $work/findings/||p" "$log" | tr '\n' ' ')
    found=${found:-"exit code $status, see $log"}
  fi
  total=$((total + ${runs:-0}))
  printf '%-20s %12s %10s %8s %s\n' "$name" "${runs:-?}" "${rate:-?}" "$(find "fuzz/seeds/$name" -type f | wc -l)" "$found"
done
echo "$total executions"
if [ "$failed" = 1 ]; then
  echo "findings are in $work/findings; FEIQIAN_FUZZ_TARGET=<target> $program <file> shows one again" >&2
fi
exit "$failed"
