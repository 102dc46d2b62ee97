//! Black-box tests: the real binary, started by `init` and `serve`, spoken to over HTTP and its command line only. Every case
//! ends with `verify --full`.

mod cases;
mod cases_b;
mod harness;
