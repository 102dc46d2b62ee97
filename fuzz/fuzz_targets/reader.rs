//! One program for all readers: the environment says which, so that everything is compiled and linked once.
#![no_main]

use hostile::Target;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FEIQIAN_FUZZ_TARGET").expect("FEIQIAN_FUZZ_TARGET names a reader");
    hostile::target(&name).unwrap_or_else(|| panic!("{name} is no reader: crates/hostile/src/lib.rs lists them"))
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
