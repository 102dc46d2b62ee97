#!/usr/bin/env bash
# A throw-away PostgreSQL cluster on a free port of 127.0.0.1, for tests and measurements. It prints its url once it answers, and
# lives as long as its standard input stays open: it ends with whoever started it, however that ends, and leaves nothing.
#
#   scripts/postgres.sh [OPTION…]    options of the server, such as -c fsync=on; by default it does not wait for the disk
#
# With FEIQIAN_TEST_TLS_DIR, server.crt and server.key of that folder guard its connections.
set -euo pipefail

fail() { printf 'postgres.sh: %s\n' "$*" >&2; exit 1; }

# The newest of Debian's, or whatever the path has.
programs=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1)
[ -n "$programs" ] || programs=$(dirname "$(command -v initdb 2>/dev/null || echo /none/initdb)")
[ -x "$programs/initdb" ] || fail "PostgreSQL's server is not installed: run scripts/setup.sh test (Debian's package postgresql)"

directory=$(mktemp -d "${TMPDIR:-/tmp}/feiqian-postgres.XXXXXX")
# It refuses to run as root.
as=()
if [ "$(id -u)" = 0 ]; then
  user=postgres
  id -u "$user" >/dev/null 2>&1 || user=nobody
  as=(setpriv "--reuid=$user" "--regid=$(id -gn "$user")" --clear-groups)
  chown "$user" "$directory"
fi

data=$directory/data
finish() {
  cd /
  "${as[@]}" "$programs/pg_ctl" -D "$data" -m immediate -s stop >/dev/null 2>&1 || true
  rm -rf "$directory"
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

cd "$directory"
"${as[@]}" "$programs/initdb" -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >/dev/null
tls=()
if [ -n "${FEIQIAN_TEST_TLS_DIR:-}" ]; then
  for file in server.crt server.key; do
    cp "$FEIQIAN_TEST_TLS_DIR/$file" "$data/$file"
    [ ${#as[@]} = 0 ] || chown "$user" "$data/$file"
    chmod 600 "$data/$file"
  done
  tls=(-c ssl=on)
fi

for _ in 1 2 3 4 5 6 7 8 9 10; do
  port=$((20000 + RANDOM % 12000))
  options=(-p "$port" -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$directory" -c max_connections=300
    -c fsync=off -c full_page_writes=off -c wal_level=minimal -c max_wal_senders=0 "${tls[@]}" "$@")
  if "${as[@]}" "$programs/pg_ctl" -D "$data" -l "$directory/log" -s -w -t 60 -o "${options[*]}" start 2>/dev/null; then
    echo "postgres://postgres@127.0.0.1:$port/postgres"
    # Not in the foreground: bash runs a trap only between commands. What runs beside it has an empty input unless told.
    cat <&0 >/dev/null &
    wait $!
    exit 0
  fi
  grep -q 'Address already in use' "$directory/log" || { cat "$directory/log" >&2; fail "the server did not start"; }
done
fail "no free port was found"
