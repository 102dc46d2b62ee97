"""What the program is made of: a CycloneDX bill of materials and the licences of all parts, from cargo's own resolution.

Only what is linked into the program is in it: normal dependencies of the package `server` on one target, and the two C libraries
that are compiled from sources inside crates. The bill is validated against the schema before it is written, and has the same bytes
for the same sources (SOURCE_DATE_EPOCH).
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tomllib
import uuid

from cyclonedx.model import HashAlgorithm, HashType, ExternalReference, ExternalReferenceType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Sources in C that a crate brings along: crate, component, licence, home, file with the version, pattern.
BUNDLED = [
    (
        "libsqlite3-sys",
        "sqlite",
        "blessing",
        "https://sqlite.org/",
        "sqlite3/sqlite3.h",
        r'#define SQLITE_VERSION\s+"([\d.]+)"',
    ),
    (
        "aws-lc-sys",
        "aws-lc",
        "ISC AND (Apache-2.0 OR ISC)",
        "https://github.com/aws/aws-lc",
        "aws-lc/include/openssl/base.h",
        r'#define AWSLC_VERSION_NUMBER_STRING\s+"([\d.]+)"',
    ),
]
LICENCE_FILE = re.compile(r"^(licen[cs]e|copying|notice|unlicense)", re.IGNORECASE)
LICENCE_BYTES_MAX = 200_000


def cargo_metadata(target: str) -> dict:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)


def linked(metadata: dict, root_id: str) -> tuple[list[dict], dict[str, list[str]]]:
    """The packages that end up in the program, and which of them needs which."""
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}

    def is_macro(package_id: str) -> bool:
        return any("proc-macro" in target["kind"] for target in packages[package_id]["targets"])

    needs: dict[str, list[str]] = {}
    waiting = [root_id]
    while waiting:
        package_id = waiting.pop()
        if package_id in needs:
            continue
        below = [
            dependency["pkg"]
            for dependency in nodes[package_id]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]) and not is_macro(dependency["pkg"])
        ]
        needs[package_id] = sorted(below)
        waiting += below
    return sorted((packages[i] for i in needs), key=lambda p: (p["name"], p["version"])), needs


def checksums() -> dict[tuple[str, str], str]:
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return {(p["name"], p["version"]): p["checksum"] for p in lock["package"] if "checksum" in p}


def component(package: dict, sums: dict[tuple[str, str], str], kind: ComponentType) -> Component:
    name, version = package["name"], package["version"]
    licence = (package["license"] or "").replace("/", " OR ")
    checksum = sums.get((name, version))
    references = []
    if package["repository"]:
        references.append(ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(package["repository"])))
    return Component(
        type=kind,
        name=name,
        version=version,
        bom_ref=f"pkg:cargo/{name}@{version}",
        purl=PackageURL("cargo", name=name, version=version),
        licenses=[LicenseExpression(licence)] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        external_references=references,
    )


def bundled(package: dict) -> Component | None:
    """The C library inside a crate."""
    for crate, name, licence, home, file, pattern in BUNDLED:
        if package["name"] != crate:
            continue
        text = (pathlib.Path(package["manifest_path"]).parent / file).read_text(encoding="utf-8", errors="replace")
        found = re.search(pattern, text)
        if not found:
            sys.exit(f"{crate}: the version of {name} was not found in {file}")
        return Component(
            type=ComponentType.LIBRARY,
            name=name,
            version=found[1],
            bom_ref=f"pkg:generic/{name}@{found[1]}",
            purl=PackageURL("generic", name=name, version=found[1]),
            licenses=[LicenseExpression(licence)],
            external_references=[ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(home))],
        )
    return None


def bill(packages: list[dict], needs: dict[str, list[str]], root_id: str) -> Bom:
    sums = checksums()
    by_id = {}
    bom = Bom()
    for package in packages:
        kind = ComponentType.APPLICATION if package["id"] == root_id else ComponentType.LIBRARY
        by_id[package["id"]] = component(package, sums, kind)
    root = by_id[root_id]
    root.name = "feiqian"
    bom.metadata.component = root
    inside: dict[str, Component] = {}
    for package in packages:
        if package["id"] != root_id:
            bom.components.add(by_id[package["id"]])
        if library := bundled(package):
            bom.components.add(library)
            inside[package["id"]] = library
    if len(inside) != len(BUNDLED):
        sys.exit(f"of {len(BUNDLED)} libraries in C only {len(inside)} were found")
    for package_id, below in needs.items():
        extra = [inside[package_id]] if package_id in inside else []
        bom.register_dependency(by_id[package_id], [by_id[i] for i in below] + extra)
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    bom.metadata.timestamp = datetime.datetime.fromtimestamp(epoch, datetime.UTC)
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, f"feiqian {root.version} {epoch} {sorted(map(str, by_id))}")
    return bom


def licences(packages: list[dict]) -> str:
    """The licence texts that come with the parts, each text once with all parts that carry it."""
    texts: dict[str, list[str]] = {}
    without = []
    for package in packages:
        if package["source"] is None:
            continue
        name = f"{package['name']} {package['version']} ({package['license']})"
        folder = pathlib.Path(package["manifest_path"]).parent
        files = sorted(file for file in folder.iterdir() if file.is_file() and LICENCE_FILE.match(file.name))
        if not files:
            without.append(name)
        for file in files:
            text = file.read_text(encoding="utf-8", errors="replace")[:LICENCE_BYTES_MAX].strip()
            texts.setdefault(text, []).append(name)
    parts = ["Feiqian is made with the following software. Each part is under the licence that stands below its name.\n"]
    for text, names in sorted(texts.items(), key=lambda item: item[1]):
        parts.append("\n".join(["=" * 80, *sorted(set(names)), "-" * 80, text, ""]))
    if without:
        parts.append("\n".join(["=" * 80, "Without a text of their own; the licence is the one named:", *without, ""]))
    return "\n".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True)
    parser.add_argument("--sbom", type=pathlib.Path)
    parser.add_argument("--licences", type=pathlib.Path)
    options = parser.parse_args()
    metadata = cargo_metadata(options.target)
    root_id = next(p["id"] for p in metadata["packages"] if p["name"] == "server" and p["source"] is None)
    packages, needs = linked(metadata, root_id)
    text = JsonV1Dot6(bill(packages, needs, root_id)).output_as_string(indent=1)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        sys.exit(f"the bill of materials is not valid CycloneDX: {error}")
    names = {part["name"] for part in json.loads(text)["components"]}
    if not {"tokio", "rustls", "sqlite", "aws-lc", "money"} <= names or "rcgen" in names:
        sys.exit("the bill of materials lacks a part, or names one that is not in the program")
    if options.sbom:
        options.sbom.write_text(text + "\n", encoding="utf-8")
    if options.licences:
        options.licences.write_text(licences(packages), encoding="utf-8")
    print(f"bill of materials: {len(names)} parts, valid CycloneDX 1.6")


if __name__ == "__main__":
    main()
