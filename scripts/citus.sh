#!/usr/bin/env bash
# A throw-away Citus cluster on free ports of 127.0.0.1, for trials by hand: a coordinator and two workers. Citus must be installed
# into the newest PostgreSQL of this machine. It runs the command it is given with the servers' urls, the coordinator's first, in
# FEIQIAN_TEST_CITUS, and ends the cluster after it.
#
#   scripts/citus.sh COMMAND…
set -euo pipefail

fail() { printf 'citus.sh: %s\n' "$*" >&2; exit 1; }
[ $# -gt 0 ] || fail "name a command"
here=$(cd "$(dirname "$0")" && pwd)
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
extension=$("${programs:-/none}/pg_config" --sharedir 2>/dev/null || true)/extension/citus.control
[ -f "$extension" ] || fail "Citus is not installed: $extension is not there"

directory=$(mktemp -d)
keepers=()
# Each server lives as long as the pipe to it is open (scripts/postgres.sh).
finish() {
  exec 11>&- 12>&- 13>&-
  wait "${keepers[@]}" 2>/dev/null || true
  rm -rf "$directory"
}
trap finish EXIT
urls=
for number in 1 2 3; do
  mkfifo "$directory/in$number"
  # Its servers speak to each other as clients, and look for certificates in the home of who started them.
  HOME=/nonexistent "$here/postgres.sh" -c shared_preload_libraries=citus -c max_prepared_transactions=300 -c citus.enable_statistics_collection=off \
    -c wal_level=logical -c max_wal_senders=10 \
    <"$directory/in$number" >"$directory/url$number" 11>&- 12>&- 13>&- &
  keepers+=($!)
  eval "exec 1$number>\"\$directory/in$number\""
  for _ in $(seq 600); do
    [ -s "$directory/url$number" ] && break
    kill -0 "${keepers[-1]}" 2>/dev/null || fail "a server did not start"
    sleep 0.1
  done
  urls=$urls${urls:+,}$(cat "$directory/url$number")
done
FEIQIAN_TEST_CITUS=$urls "$@" 11>&- 12>&- 13>&-
