//! R58: everything that is secret or personal is marked, everything is logged, and no mark is found in what comes out or lies on the
//! disk, in any of the forms that a program could write it in.

mod cases;
mod forms;
mod scan;
mod walk;
