#!/usr/bin/env python3
"""Shows that the simulator finds faults: each of crates/simtest/mutations/list.toml is turned on alone, and must be found.

All are built into one copy of the tree, each behind a switch, so that one build serves all of them. Writes
crates/simtest/MUTATIONS.md. With names as arguments, runs those alone and writes nothing.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "crates/simtest/mutations/list.toml"
TABLE = ROOT / "crates/simtest/MUTATIONS.md"
# Dependencies are built already; of the copy only our own crates are built beside them.
BUILD = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TARGET = BUILD / "mutations"
COPY = TARGET / "tree"
SEEDS = int(os.environ.get("SEEDS", "60"))
STEPS = "150"
# Crates whose own tests are asked too, without the simulator.
UNITS = ["money", "ledger", "domain"]

SWITCH = '''
/// Whether a mutation is turned on.
pub fn mutant(number: u32) -> bool {
    static ON: std::sync::OnceLock<u32> = std::sync::OnceLock::new();
    *ON.get_or_init(|| std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0)) == number
}
'''


def mutate(mutations):
    """Makes the copy, with every mutation behind its switch."""
    COPY.mkdir(parents=True, exist_ok=True)
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, check=True, capture_output=True)
    names = [name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]
    texts = {name: (ROOT / name).read_bytes() for name in names}
    for number, mutation in enumerate(mutations, 1):
        name = mutation["file"]
        crate = name.split("/")[1]
        path = "crate" if crate == "money" else "money"
        text = texts[name].decode()
        if text.count(mutation["from"]) != 1:
            sys.exit(f"{mutation['name']}: stands {text.count(mutation['from'])} times in {name}")
        to = re.sub(r"\bMUTANT\b", f"{path}::mutant({number})", mutation["to"])
        texts[name] = text.replace(mutation["from"], to).encode()
    texts["crates/money/src/lib.rs"] += SWITCH.encode()
    for name, text in texts.items():
        path = COPY / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != text:
            path.write_bytes(text)


def cargo(*arguments):
    lean = {"CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "0"}
    environment = {**os.environ, **lean, "CARGO_TARGET_DIR": str(BUILD)}
    return subprocess.run(["cargo", *arguments], cwd=COPY, env=environment, check=True, capture_output=True, text=True)


def build():
    """The simulator, and the test programs of the crates that hold the rules."""
    cargo("build", "-p", "simtest", "--bin", "simtest")
    packages = [part for unit in UNITS for part in ("-p", unit)]
    made = cargo("test", "--no-run", "--message-format=json", *packages)
    found = re.findall(r'"executable":"([^"]+)"', made.stdout)
    simulator = TARGET / "simtest"
    shutil.copy2(BUILD / "debug/simtest", simulator)
    return simulator, [pathlib.Path(path) for path in found]


def on(number):
    return {**os.environ, "MUTANT": str(number)}


def simulated(simulator, number):
    """The first seed that fails, and by which check."""
    arguments = [simulator, "--seeds", str(SEEDS), "--steps", STEPS, "--fail-fast"]
    ran = subprocess.run(arguments, env=on(number), capture_output=True, text=True, timeout=1800)
    checks = re.findall(r"^seed (\d+): ([^:]+):", ran.stdout, re.MULTILINE)
    if not checks:
        return None
    seed = min(int(seed) for seed, _ in checks)
    return seed, sorted({check for at, check in checks if int(at) == seed})


def by_units(programs, number):
    """The crates whose own tests fail."""
    failed = []
    for program in programs:
        crate = program.name.rsplit("-", 1)[0]
        package = next((unit for unit in UNITS if unit == crate), None) or package_of(program)
        ran = subprocess.run([program, "-q"], cwd=COPY / "crates" / package, env=on(number), capture_output=True, timeout=900)
        if ran.returncode != 0 and package not in failed:
            failed.append(package)
    return failed


def package_of(program):
    """Integration tests are all called `it`: the crate is told by the file that cargo lists beside them."""
    listing = program.with_suffix(".d").read_text(errors="replace")
    found = re.search(r"crates/(\w+)/tests/it/main\.rs", listing)
    return found.group(1) if found else UNITS[0]


def main():
    mutations = tomllib.loads(LIST.read_text())["mutation"]
    wanted = sys.argv[1:]
    print(f"building {len(mutations)} mutations into one tree", flush=True)
    mutate(mutations)
    simulator, programs = build()
    if simulated(simulator, 0):
        sys.exit("the simulator finds something with no mutation turned on")
    rows, missed = [], []
    for number, mutation in enumerate(mutations, 1):
        if wanted and mutation["name"] not in wanted:
            continue
        found = simulated(simulator, number)
        units = by_units(programs, number)
        if found is None:
            missed.append(mutation["name"])
        told = f"seed {found[0]}: {', '.join(found[1])}" if found else "not found"
        print(f"{number:>3}  {mutation['name']}: {told}; own tests of: {', '.join(units) or 'none'}", flush=True)
        rows.append(f"| {mutation['name']} | `{mutation['file']}` | {told} | {', '.join(units) or '–'} |")
    if not wanted:
        write(rows)
    if missed:
        sys.exit(f"not found by the simulator: {', '.join(missed)}")


def write(rows):
    TABLE.write_text(
        "# Mutations\n\n"
        "Faults made by hand in code that handles money ([list](mutations/list.toml)), each turned on alone, and what found it: the first seed\n"
        f"of the simulator that fails ({STEPS} steps) with the auditor's checks that failed there, and the crates whose own tests fail too.\n"
        "Written whole by `make mutations`; a fault that no seed finds fails it.\n\n"
        "Some faults mend themselves and are found only by what a merchant sees meanwhile. A payment that is ended without asking the\n"
        "channel is closed there by its attempt's own job, and what is paid until then goes back: so the auditor looks, whenever a payment\n"
        "is shown as closed, whether it can still be paid. A maturity that takes a part is followed by others until nothing is left: so\n"
        "each must leave nothing behind it. Whether anybody's payment is found shows only where somebody asks for another's.\n\n"
        "| fault | in | found by | own tests |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )


if __name__ == "__main__":
    main()
