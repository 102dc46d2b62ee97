//! Which crate may see which (DESIGN section 2), read from the manifests.

use crate::none;
use crate::tree::{File, files};
use std::collections::{BTreeMap, BTreeSet};

/// Each crate and the crates that it may name. An arrow points down; beside each other, `store` and `channels` see nothing of
/// one another. A new crate gets its row here first.
const ARROWS: &[(&str, &[&str])] = &[
    ("money", &[]),
    ("ledger", &["money"]),
    ("domain", &["ledger", "money"]),
    ("wire", &["domain", "ledger", "money"]),
    ("crypto", &[]),
    ("kernel_clock", &[]),
    ("statement", &["crypto", "domain", "ledger", "money", "wire"]),
    ("store", &["crypto", "domain", "ledger", "money"]),
    ("channels", &["crypto", "domain", "ledger", "money"]),
    ("archive", &["domain", "ledger", "money", "store"]),
    ("app", &["channels", "crypto", "domain", "ledger", "money", "statement", "store", "wire"]),
    ("site", &[]),
    ("api", &["app", "crypto", "domain", "ledger", "money", "site", "statement", "store", "wire"]),
    (
        "server",
        &[
            "api",
            "app",
            "archive",
            "channels",
            "crypto",
            "domain",
            "kernel_clock",
            "ledger",
            "money",
            "statement",
            "store",
            "wire",
        ],
    ),
    // For development only: nobody depends on these.
    (
        "bench",
        &[
            "api", "app", "channels", "crypto", "domain", "ledger", "money", "server", "store", "testdb",
            "wire",
        ],
    ),
    ("hostile", &["api", "app", "channels", "crypto", "domain", "ledger", "money", "server"]),
    ("testdb", &[]),
    // The auditor judges the platform by its own arithmetic: it may see nothing of ours.
    ("auditor", &[]),
    ("simtest", &["api", "app", "auditor", "channels", "crypto", "domain", "ledger", "money", "store"]),
    ("tidy", &[]),
];

/// The crates without I/O, and everything from outside that each may name. A name more is a decision: does it open a file, a
/// socket or a clock?
const PURE: &[(&str, &[&str])] = &[
    ("money", &["iso_currency", "thiserror"]),
    ("ledger", &["thiserror"]),
    ("domain", &["jiff", "serde", "serde_json", "thiserror", "uuid"]),
    ("wire", &["serde", "serde_json", "utoipa"]),
];

/// Dependencies that belong to one crate alone.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["store", "bench"]),
    ("tokio-postgres", &["store", "testdb", "bench"]),
    ("sfv", &["crypto"]),
    ("axum", &["api", "server", "simtest"]),
    ("reqwest", &["app", "server", "bench"]),
    ("csv", &["statement"]),
    ("rust_xlsxwriter", &["statement"]),
    ("parquet", &["archive"]),
];

/// What one manifest depends on, apart from its own tests.
struct Manifest {
    name: String,
    normal: BTreeSet<String>,
    dev: BTreeSet<String>,
}

fn manifests() -> Vec<Manifest> {
    let of_crate = |file: &File| match file.path.split('/').collect::<Vec<_>>().as_slice() {
        ["crates", name, "Cargo.toml"] | [name @ "bench", "Cargo.toml"] => {
            Some(parse((*name).to_owned(), &file.text))
        }
        _ => None,
    };
    files().iter().filter_map(of_crate).collect()
}

/// Names of dependencies: keys of `[dependencies]`, or the last part of `[dependencies.name]`, for any target.
fn parse(name: String, text: &str) -> Manifest {
    let mut manifest = Manifest { name, normal: BTreeSet::new(), dev: BTreeSet::new() };
    let (mut listing, mut is_dev) = (false, false);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            is_dev = section.contains("dev-dependencies");
            listing = section.ends_with("dependencies");
            if let Some((_, dependency)) = section.split_once("dependencies.") {
                manifest.add(dependency, is_dev);
            }
        } else if listing && !line.is_empty() && !line.starts_with('#') {
            let key = line.split(['.', '=', ' ']).next().unwrap_or_default();
            manifest.add(key, is_dev);
        }
    }
    manifest
}

impl Manifest {
    fn add(&mut self, dependency: &str, is_dev: bool) {
        let list = if is_dev { &mut self.dev } else { &mut self.normal };
        list.insert(dependency.trim_matches('"').to_owned());
    }
}

#[test]
fn a_manifest_is_read() {
    let text = "[dependencies]\nmoney.workspace = true\n# no\nb = { version = \"1\" }\n[dependencies.c]\nversion = \"1\"\n\
                [dev-dependencies]\nd = \"1\"\n[target.'cfg(unix)'.dependencies]\ne = \"1\"\n[[test]]\nname = \"it\"\n";
    let manifest = parse("x".to_owned(), text);
    assert_eq!(manifest.normal.iter().collect::<Vec<_>>(), ["b", "c", "e", "money"]);
    assert_eq!(manifest.dev.iter().collect::<Vec<_>>(), ["d"]);
}

#[test]
fn arrows_point_down() {
    let rules: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    let mut wrong = Vec::new();
    let manifests = manifests();
    for manifest in &manifests {
        let Some(allowed) = rules.get(manifest.name.as_str()) else {
            wrong.push(format!("crate {} has no row in ARROWS", manifest.name));
            continue;
        };
        let ours = |names: &BTreeSet<String>| -> Vec<String> {
            names.iter().filter(|name| rules.contains_key(name.as_str())).cloned().collect()
        };
        // Databases for tests stand below everything that has tests.
        let may_test_with = |name: &str| name == manifest.name || name == "testdb";
        let upwards = ours(&manifest.normal).into_iter().filter(|name| !allowed.contains(&name.as_str()));
        let test_upwards = ours(&manifest.dev)
            .into_iter()
            .filter(|name| !allowed.contains(&name.as_str()) && !may_test_with(name));
        wrong.extend(
            upwards.chain(test_upwards).map(|name| format!("{} may not depend on {name}", manifest.name)),
        );
    }
    for (name, _) in ARROWS {
        if manifests.iter().all(|manifest| manifest.name != *name) {
            wrong.push(format!("ARROWS has a row for {name}, which is no crate"));
        }
    }
    none(wrong);
}

#[test]
fn the_table_of_arrows_has_no_circle() {
    let mut open: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    while let Some(leaf) = open
        .iter()
        .find(|(_, below)| below.iter().all(|name| !open.contains_key(name)))
        .map(|(name, _)| *name)
    {
        open.remove(leaf);
    }
    assert!(open.is_empty(), "a circle among {:?}", open.keys());
}

#[test]
fn pure_crates_depend_on_nothing_that_does_io() {
    let rules: BTreeMap<&str, &[&str]> = PURE.iter().copied().collect();
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let Some(allowed) = rules.get(manifest.name.as_str()) else { continue };
        let inside = |name: &str| ARROWS.iter().any(|(other, _)| *other == name);
        let more = manifest.normal.iter().filter(|name| !allowed.contains(&name.as_str()) && !inside(name));
        wrong.extend(more.map(|name| format!("pure crate {} depends on {name}: see PURE", manifest.name)));
    }
    none(wrong);
}

#[test]
fn some_dependencies_have_one_home() {
    let mut wrong = Vec::new();
    for manifest in manifests() {
        for (dependency, homes) in HOMES {
            if manifest.normal.contains(*dependency) && !homes.contains(&manifest.name.as_str()) {
                wrong.push(format!(
                    "{} depends on {dependency}, whose home is {}",
                    manifest.name,
                    homes.join(", ")
                ));
            }
        }
    }
    none(wrong);
}

/// The names in the first column of the table under `## Dependencies`.
fn reasoned(page: &str) -> BTreeSet<String> {
    let section = page.lines().skip_while(|line| *line != "## Dependencies").skip(1);
    let rows =
        section.take_while(|line| !line.starts_with("## ")).filter_map(|line| line.strip_prefix("| `"));
    let first_cells = rows.filter_map(|row| row.split(" | ").next().map(|cell| format!("`{cell}")));
    first_cells
        .flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let page =
        files().into_iter().find(|file| file.path == "ARCHITECTURE.md").expect("ARCHITECTURE.md is there");
    let reasoned = reasoned(&page.text);
    let is_ours = |name: &String| ARROWS.iter().any(|(other, _)| other == name);
    let used: BTreeSet<String> = manifests()
        .into_iter()
        .flat_map(|m| m.normal.into_iter().chain(m.dev))
        .filter(|name| !is_ours(name))
        .collect();
    let without = used
        .difference(&reasoned)
        .map(|name| format!("{name} has no row under Dependencies of ARCHITECTURE.md"));
    let unused =
        reasoned.difference(&used).map(|name| format!("{name} has a row in ARCHITECTURE.md and no use"));
    none(without.chain(unused).collect());
}
