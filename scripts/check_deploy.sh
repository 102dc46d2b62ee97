#!/usr/bin/env bash
# Judges what operators install under deploy/, where no container engine and no running systemd are at hand: the container file, the
# compose file, the units, the alert rules, the shell scripts. Seconds. The tools are those that scripts/setup.sh test installs.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
PATH="$target/venv/bin:$target/tools/bin:$PATH"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step() { printf 'deploy: %s\n' "$*"; }

step "container file"
hadolint deploy/container/Dockerfile

step "compose file"
# Below that it asks for a digest, which an image that is built here does not have yet.
# Mounts are judged by where the file lies, and a clone may lie below /root: a copy is judged, elsewhere.
mkdir -p "$scratch/container" && cp deploy/container/compose.yaml "$scratch/container/"
compose-lint check --fail-on high "$scratch/container/compose.yaml" > "$scratch/compose" || { cat "$scratch/compose" >&2; exit 1; }
python scripts/check_compose.py deploy/container/compose.yaml

step "systemd units"
# The program is not installed here; everything else is checked as it is. What verify says at all, it says against a unit.
units=$scratch/units
mkdir -p "$units/feiqian.service.d" "$units/feiqian-verify.service.d"
for unit in deploy/systemd/*.service deploy/systemd/*.timer; do
  sed 's#/usr/local/bin/feiqian#/bin/true#' "$unit" > "$units/${unit##*/}"
done
verify() {
  SYSTEMD_UNIT_PATH="$units:" systemd-analyze verify --man=no "$units"/*.service "$units"/*.timer 2>&1 | tee "$scratch/said" >&2
  [ ! -s "$scratch/said" ]
}
verify
cp deploy/systemd/credential.conf "$units/feiqian.service.d/"
cp deploy/systemd/credential.conf "$units/feiqian-verify.service.d/"
verify
# 1.5 of 10: what is left is the network, which a payment platform needs.
for unit in feiqian feiqian-verify; do
  systemd-analyze security --offline=true --no-pager --threshold=15 "$units/$unit.service" > "$scratch/security" ||
    { grep -v '✓' "$scratch/security" >&2; exit 1; }
done

step "alert rules"
promtool check rules deploy/prometheus/alerts.yml > "$scratch/rules" || { cat "$scratch/rules" >&2; exit 1; }
promtool test rules deploy/prometheus/alerts.test.yml > "$scratch/rules" || { cat "$scratch/rules" >&2; exit 1; }

step "dashboard"
# YAML, which promtool reads, takes JSON as it is.
python scripts/dashboard_rules.py deploy/grafana/feiqian.json > "$scratch/dashboard.yml"
promtool check rules "$scratch/dashboard.yml" > "$scratch/rules" || { cat "$scratch/rules" >&2; exit 1; }

step "bill of materials"
python scripts/bill_of_materials.py --target "$(rustc -vV | sed -n 's/^host: //p')" > "$scratch/bill"

step "shell scripts"
shellcheck --severity=warning --external-sources scripts/*.sh .ci/run

step "good"
