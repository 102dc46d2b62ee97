//! The documentation as its readers meet it: every link, every command, every request of `feiqian.http`.

mod commands;
mod links;
mod requests;
