#!/usr/bin/env bash
# Shows that an archive of `make release` starts in an empty directory on a machine without a toolchain. As root, for the machine is
# made here: a root directory with the C library, the archive and nothing else (no shell, no compiler), read-only but for one
# directory, entered as an ordinary user with an empty environment. There: init, serve, a payment, a refund, own TLS with an exchange
# of the certificate, a kill, another start, verify.
#
#   scripts/check_release.sh [ARCHIVE]     default: the one in target/dist
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'check: %s\n' "$*"; }
fail() { printf 'check: %s\n' "$*" >&2; exit 1; }

# By its path: without a PATH of its own nothing is found in sbin.
chroot=$(PATH=$PATH:/usr/sbin:/sbin command -v chroot) || fail "chroot is not here"
[ "$(id -u)" = 0 ] || fail "run it as root: it makes a root directory and enters it"
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
archive=$(realpath "${1:-$(ls "$target"/dist/feiqian-*.tar.gz)}")
# Mounts of our own, which end with this script.
[ -n "${FEIQIAN_OWN_MOUNTS:-}" ] || FEIQIAN_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0" "$archive"

scratch=$(mktemp -d)
machine=$scratch/machine
pid=
# shellcheck disable=SC2317 # called by the trap
clean_up() {
  [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
  umount -R "$machine" 2>/dev/null || true
  rm -rf "$scratch"
}
trap clean_up EXIT

say "checksums"
(cd "$(dirname "$archive")" && sha256sum --check --quiet SHA256SUMS)

say "a machine with the C library and the archive"
mkdir -p "$machine"/{dev,etc,proc,tmp,srv,opt} "$scratch/unpacked"
tar -xzf "$archive" -C "$scratch/unpacked" --no-same-owner
mv "$scratch"/unpacked/feiqian-* "$machine/opt/feiqian"
for file in feiqian LICENSE THIRD-PARTY-LICENCES.txt README.md feiqian.example.toml feiqian.cdx.json deploy/systemd/feiqian.service \
  deploy/prometheus/alerts.yml docs/deploy.md docs/deploy.zh-CN.md; do
  [ -s "$machine/opt/feiqian/$file" ] || fail "the archive lacks $file"
done
ldd "$machine/opt/feiqian/feiqian" | grep -o '/[^ )]*' | sort -u | while read -r library; do
  install -D "$(realpath "$library")" "$machine$library"
done
# Roots of certificate authorities, as the package ca-certificates brings them.
install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$machine/etc/ssl/certs/ca-certificates.crt"
install -d -o 65532 -g 65532 -m 0700 "$machine/srv/feiqian"
# What the program writes lies in one directory; everything else is read-only.
mount --bind "$machine" "$machine"
mount --bind "$machine/srv/feiqian" "$machine/srv/feiqian"
mount -o remount,bind,ro "$machine"
mount -t proc -o ro,nosuid,nodev,noexec proc "$machine/proc"
mount -t tmpfs -o size=1m tmpfs "$machine/dev"
mknod -m 0666 "$machine/dev/null" c 1 3
mknod -m 0444 "$machine/dev/urandom" c 1 9
mount -o remount,ro "$machine/dev"
[ "$(find "$machine" -xdev -name '*sh' -type f -perm -100 -not -path '*/opt/feiqian/*' | wc -l)" = 0 ] || fail "there is a shell"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
port=$(free_port)
internal=$(free_port)
data=$machine/srv/feiqian
cat > "$data/feiqian.toml" <<END
listen = "127.0.0.1:$port"
internal_listen = "127.0.0.1:$internal"
data_dir = "/srv/feiqian/data"
master_key_file = "/srv/feiqian/keys/master.key"
END
inside() { env -i "$chroot" --userspec=65532:65532 "$machine" "$@"; }
feiqian() { inside /opt/feiqian/feiqian "$@" --config /srv/feiqian/feiqian.toml; }
serve() {
  # The process itself, not a shell around it, so that a kill meets it.
  env -i "$chroot" --userspec=65532:65532 "$machine" /opt/feiqian/feiqian serve --config /srv/feiqian/feiqian.toml \
    > "$scratch/serve.log" 2>&1 &
  pid=$!
  for _ in $(seq 200); do
    feiqian health > /dev/null 2>&1 && return
    kill -0 "$pid" 2>/dev/null || { cat "$scratch/serve.log" >&2; fail "it does not start"; }
    sleep 0.1
  done
  cat "$scratch/serve.log" >&2
  fail "it does not get ready"
}
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"; }

say "init, a merchant, a key"
inside /opt/feiqian/feiqian --version
feiqian init > /dev/null
merchant=$(feiqian merchant create --world sandbox --name "Tea House" --json | field id)
feiqian price set --merchant "$merchant" --method sandbox --currency CNY --rate 0.60 > /dev/null
bearer=$(feiqian key create --merchant "$merchant" --bearer --json | field bearer)

say "serve, a payment, a refund"
serve
call() {
  curl -sS --fail-with-body --max-time 30 -H "Authorization: Bearer $bearer" -H 'Content-Type: application/json' "$@"
}
pay() {
  call "$1/v1/payments" "${@:3}" -d '{"merchant_order_no": "'"$2"'", "amount": {"value": 1250, "currency": "CNY"}, "method": "sandbox",
    "scene": "bar_code", "auth_code": "134500000000000001", "subject": "tea"}' | field status
}
[ "$(pay "http://127.0.0.1:$port" T-1)" = succeeded ] || fail "the payment did not succeed"
refund=$(call "http://127.0.0.1:$port/v1/refunds" -d '{"merchant_refund_no": "R-1", "merchant_order_no": "T-1"}' | field status)
case "$refund" in succeeded | pending) ;; *) fail "the refund is $refund" ;; esac
curl -sS --fail --max-time 10 "http://127.0.0.1:$internal/metrics" | grep -q '^feiqian_ready 1' || fail "no metrics"

say "killed, started again, verified"
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
pid=
serve
[ "$(call "http://127.0.0.1:$port/v1/payments?merchant_order_no=T-1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["data"][0]["status"])')" = succeeded ] ||
  fail "the payment is gone"
feiqian verify --full > /dev/null

say "own TLS, its certificate exchanged"
kill "$pid"
wait "$pid" || fail "it did not stop cleanly"
pid=
certificate() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=pay.example.com" \
    -addext "subjectAltName=DNS:pay.example.com" -keyout "$scratch/key.pem" -out "$scratch/certificate.pem" 2>/dev/null
  install -o 65532 -m 0600 "$scratch/key.pem" "$data/key.pem"
  install -m 0644 "$scratch/certificate.pem" "$data/certificate.pem"
}
certificate
printf 'public_url = "https://pay.example.com"\n%s\n[tls]\ncertificate_file = "/srv/feiqian/certificate.pem"\nkey_file = "/srv/feiqian/key.pem"\n' \
  "$(cat "$data/feiqian.toml")" > "$scratch/feiqian.toml"
cp "$scratch/feiqian.toml" "$data/feiqian.toml"
serve
over_tls() { pay "https://pay.example.com:$port" "$1" --resolve "pay.example.com:$port:127.0.0.1" --cacert "$scratch/certificate.pem"; }
[ "$(over_tls T-2)" = succeeded ] || fail "no payment over TLS"
certificate
kill -HUP "$pid"
for _ in $(seq 50); do
  paid=$(over_tls T-3 2>/dev/null) && break
  sleep 0.1
done
[ "${paid:-}" = succeeded ] || fail "the new certificate was not taken"
feiqian verify --full > /dev/null
kill "$pid"
wait "$pid" || fail "it did not stop cleanly"
pid=
say "good: $(basename "$archive")"
