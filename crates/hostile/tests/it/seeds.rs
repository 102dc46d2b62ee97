//! Every target over its seeds and their mutations.

use crate::mutate::Chance;
use hostile::{TARGETS, Target};
use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Mutations of each target in `make test`; `FEIQIAN_MUTATIONS` asks for another number.
const MUTATIONS: u64 = 5_000;
/// Where the generator begins; `FEIQIAN_MUTATION_SEED` asks for another place.
const SEED: u64 = 20_261_126;

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The seeds of a target, in the order of their names.
fn seeds(target: Target) -> Vec<(String, Vec<u8>)> {
    let folder = repository().join("fuzz/seeds").join(target.name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} has no seeds", target.name));
    let mut found: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().map_or(usual, |text| text.parse().unwrap())
}

/// Runs a target; a failure leaves the input behind, ready to become a seed.
fn run(target: Target, what: &str, input: &[u8]) {
    if catch_unwind(|| (target.run)(input)).is_ok() {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    fs::create_dir_all(&folder).unwrap();
    let name = &content_name(input);
    let path = folder.join(format!("{}-{name}", target.name));
    fs::write(&path, input).unwrap();
    panic!(
        "{} fails on {what}: {:?}; kept in {}",
        target.name,
        String::from_utf8_lossy(input),
        path.display()
    );
}

/// A name by content (FNV-1a), so that the same finding is kept once.
fn content_name(input: &[u8]) -> String {
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    format!("{:016x}", input.iter().fold(0xcbf2_9ce4_8422_2325, hash))
}

#[test]
fn every_seed_and_past_finding_holds() {
    for target in TARGETS {
        let seeds = seeds(*target);
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        for (name, input) in seeds {
            assert!(input.len() <= 8 * 1_024, "{}/{name}: seeds are small", target.name);
            run(*target, &name, &input);
        }
    }
}

#[test]
fn mutations_of_the_seeds_hold() {
    let (count, seed) = (number("FEIQIAN_MUTATIONS", MUTATIONS), number("FEIQIAN_MUTATION_SEED", SEED));
    for target in TARGETS {
        let seeds = seeds(*target);
        let mut chance = Chance::new(seed ^ u64::try_from(target.name.len()).unwrap());
        for number in 0..count {
            let (_, input) = &seeds[chance.below(seeds.len())];
            let (_, other) = &seeds[chance.below(seeds.len())];
            let mutated = chance.mutate(input, other);
            run(*target, &format!("mutation {number} of FEIQIAN_MUTATION_SEED={seed}"), &mutated);
        }
    }
}

#[test]
fn every_folder_of_seeds_has_its_target_and_names_are_unique() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names.len(), TARGETS.len());
    for entry in fs::read_dir(repository().join("fuzz/seeds")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(name == "keys" || hostile::target(&name).is_some(), "fuzz/seeds/{name} belongs to no target");
    }
}
