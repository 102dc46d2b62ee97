//! The house rules as ordinary tests: which crate may know which, what pure crates may not contain, how long a file may be,
//! and that every claim of ARCHITECTURE.md names a test that exists.
//!
//! Nothing is here but tests, under `tests/it`: they read the source tree as text and run no code of the project.
