#!/usr/bin/env bash
# Makes what is handed to operators: an archive, its bill of materials, checksums. In target/dist:
#
#   feiqian-VERSION-ARCH-linux.tar.gz    the program, licences, settings, deploy/, docs/
#   feiqian-VERSION-ARCH-linux.cdx.json  its bill of materials (CycloneDX), also inside
#   SHA256SUMS
#
# The same commit, compiler and C compiler make the same bytes: no clock, no path of this machine, no order of a directory gets in.
# SOURCE_DATE_EPOCH is the commit's time unless it is set. A tree with changes is refused; ALLOW_DIRTY=1 is for trying it out.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'release: %s\n' "$*"; }
fail() { printf 'release: %s\n' "$*" >&2; exit 1; }

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
[ -z "$(git status --porcelain)" ] || [ -n "${ALLOW_DIRTY:-}" ] || fail "the tree has changes: commit them, or set ALLOW_DIRTY=1"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
host=$(rustc -vV | sed -n 's/^host: //p')
name=feiqian-$version-${host%%-*}-linux
dist=$target/dist
tree=$dist/$name

say "$name from $(git rev-parse --short HEAD), compiling (some minutes)"
# A folder of its own: other flags than those of bench and tests would make cargo compile everything again and again.
cargo_home=${CARGO_HOME:-$HOME/.cargo}
sysroot=$(rustc --print sysroot)
export RUSTFLAGS="--remap-path-prefix=$PWD=/feiqian --remap-path-prefix=$cargo_home=/cargo --remap-path-prefix=$sysroot=/rust"
export CFLAGS="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$target=/target"
CARGO_TARGET_DIR=$target/dist-build cargo build --locked --release --package server --bin feiqian

rm -rf "$dist"
mkdir -p "$tree"
strip --strip-all -o "$tree/feiqian" "$target/dist-build/release/feiqian"
cp LICENSE README.md README.zh-CN.md CHANGELOG.md feiqian.example.toml "$tree/"
cp -R deploy docs openapi examples "$tree/"
# Sources of the image and tests of the rules are for the source tree.
rm "$tree/deploy/prometheus/alerts.test.yml"
"$target/venv/bin/python" scripts/bill_of_materials.py --sbom "$dist/$name.cdx.json" --licences "$tree/THIRD-PARTY-LICENCES.txt" --target "$host"
cp "$dist/$name.cdx.json" "$tree/feiqian.cdx.json"

# Whatever the umask and the checkout made of them: everybody may read, nobody but root may write.
find "$tree" -type d -exec chmod 755 {} +
find "$tree" -type f -exec chmod 644 {} +
find "$tree" -type f -name '*.sh' -exec chmod 755 {} +
chmod 755 "$tree/feiqian"
tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=gnu -C "$dist" -cf - "$name" |
  gzip -n -9 > "$dist/$name.tar.gz"
(cd "$dist" && sha256sum "$name.tar.gz" "$name.cdx.json" > SHA256SUMS)

for leak in "$PWD" "$cargo_home"; do
  ! grep -qaF "$leak" "$tree/feiqian" || fail "the program names a path of this machine: $leak"
done
say "needs glibc $(objdump -T "$tree/feiqian" | grep -o 'GLIBC_[0-9.]*' | sort -Vu | tail -1 | cut -d_ -f2) or newer"
say "in $dist:"
(cd "$dist" && ls -l -- *.tar.gz *.json SHA256SUMS)
