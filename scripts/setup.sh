#!/usr/bin/env bash
# Sees to everything that building and testing need, and says what it installs. Run again, it does nothing.
#
#   scripts/setup.sh build   what `cargo build` needs: a C compiler, the pinned Rust toolchain
#   scripts/setup.sh test    that, the languages of examples/ with nginx before them (Debian packages), and a Python
#                            environment under target/venv with the packages of tests/requirements.txt; the judges of what
#                            lies under deploy/ (systemd-analyze, promtool); PostgreSQL's programs, without a cluster or a
#                            service: tests start their own (scripts/postgres.sh)
#   scripts/setup.sh deny    cargo-deny under target/tools, built from source, unless this machine has it
#   scripts/setup.sh fuzz    the same for cargo-fuzz, and a C++ compiler for the fuzzer's engine
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
deny_version=0.20.2
fuzz_version=0.13.2

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Installs Debian packages as root; tells anybody else which they are.
packages() {
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "installing the Debian packages $*"
    apt-get update -qq
    without_services apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    fail "please install: $* (Debian's names), then run this again"
  fi
}

# Runs an installation that starts no service: the tests want nginx's program, nobody wants a web server on port 80.
without_services() {
  local policy=/usr/sbin/policy-rc.d status=0 ours=
  if [ ! -e "$policy" ]; then
    ours=1
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
  fi
  DEBIAN_FRONTEND=noninteractive "$@" || status=$?
  if [ -n "$ours" ]; then
    rm -f "$policy"
    trap - EXIT
  fi
  return "$status"
}

compiler() {
  local missing=()
  command -v cc >/dev/null || missing+=(gcc libc6-dev)
  [ ${#missing[@]} = 0 ] || packages "${missing[@]}"
}

toolchain() {
  command -v cargo >/dev/null || fail "Rust is not installed: see https://rustup.rs, then run this again"
  local version
  # Where rustup is in charge, this call installs the toolchain of rust-toolchain.toml if it is not there yet.
  version=$(rustc --version) || fail "the toolchain of rust-toolchain.toml could not be had"
  case "$version" in
    "rustc $(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml) "*) ;;
    *) say "using $version, not the pinned one: lints and formatting may differ" ;;
  esac
}

# What runs the programs of examples/, and the proxy that stands before the server in their tests. What is there already,
# from wherever, is left alone as long as it can do what the examples need.
example_languages() {
  local missing=()
  command -v curl >/dev/null || missing+=(curl)
  openssl pkeyutl -help 2>&1 | grep -q rawin || missing+=(openssl)
  command -v python3 >/dev/null || missing+=(python3)
  node -e 'if (!globalThis.fetch) process.exit(1)' 2>/dev/null || missing+=(nodejs)
  php -r 'exit(extension_loaded("sodium") && extension_loaded("openssl") ? 0 : 1);' 2>/dev/null || missing+=(php-cli)
  # One that can compile: a JRE has no jdk.compiler and can't run a source file.
  { java --list-modules 2>/dev/null | grep -q '^jdk\.compiler' && command -v keytool >/dev/null; } || missing+=(default-jdk-headless)
  PATH="$PATH:/usr/sbin" command -v nginx >/dev/null || missing+=(nginx)
  [ ${#missing[@]} = 0 ] || packages "${missing[@]}"
}

# The judge of units. Debian's package starts nothing by being there.
systemd_tools() {
  command -v systemd-analyze >/dev/null || packages systemd
}

# A token in software, for the tests of master keys that are kept in one.
software_token() {
  PATH="$PATH:/usr/sbin" command -v softhsm2-util >/dev/null || packages softhsm2
}

# The judge of alert rules: one program out of Debian's package, which would also install a server.
alert_judge() {
  { [ ! -x "$target/tools/bin/promtool" ] && ! command -v promtool >/dev/null; } || return 0
  command -v apt-get >/dev/null || fail "please install promtool, which comes with Prometheus, then run this again"
  say "taking promtool out of Debian's package prometheus into $target/tools"
  local scratch
  scratch=$(mktemp -d)
  [ "$(id -u)" != 0 ] || apt-get update -qq
  (cd "$scratch" && apt-get -o APT::Sandbox::User=root download -qq prometheus && dpkg-deb -x prometheus_*.deb .)
  mkdir -p "$target/tools/bin"
  mv "$scratch/usr/bin/promtool" "$target/tools/bin/"
  rm -rf "$scratch"
}

# The database server that the tests start for themselves. Debian's package would make a cluster of its own and serve it.
database_server() {
  ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null || return 0
  local settings=/etc/postgresql-common/createcluster.conf
  if [ "$(id -u)" = 0 ] && [ ! -e "$settings" ]; then
    mkdir -p "$(dirname "$settings")"
    echo 'create_main_cluster = false' >"$settings"
  fi
  packages postgresql
}

python_environment() {
  local stamp="$target/venv/.requirements"
  cmp -s tests/requirements.txt "$stamp" && return
  command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null || packages python3 python3-venv
  say "installing the packages of tests/requirements.txt into $target/venv"
  python3 -m venv --clear "$target/venv"
  "$target/venv/bin/pip" install --quiet --disable-pip-version-check --no-input --only-binary :all: -r tests/requirements.txt
  cp tests/requirements.txt "$stamp"
}

# A program of cargo's, built from source, unless this machine has that version.
cargo_tool() {
  local name=$1 version=$2 binary
  for binary in "$target/tools/bin/$name" "$name"; do
    [ "$("$binary" --version 2>/dev/null)" != "$name $version" ] || return 0
  done
  say "building $name $version into $target/tools: some minutes, once"
  # Unoptimized: it runs for a second and compiles in half the time.
  CARGO_PROFILE_DEV_DEBUG=0 cargo install "$name" --locked --version "$version" --debug --quiet \
    --root "$target/tools" --target-dir "$target/tools/build"
  rm -rf "$target/tools/build"
}

cpp_compiler() {
  command -v c++ >/dev/null || packages g++
}

mkdir -p "$target"
case "${1:-}" in
  build) compiler; toolchain ;;
  test) compiler; toolchain; software_token; systemd_tools; alert_judge; database_server; example_languages; python_environment ;;
  deny) compiler; toolchain; cargo_tool cargo-deny "$deny_version" ;;
  fuzz) compiler; cpp_compiler; toolchain; cargo_tool cargo-fuzz "$fuzz_version" ;;
  *) fail "what for? build, test, deny or fuzz" ;;
esac
