//! The program and its rooms from outside: one binary, so that the program is linked once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells what it measured or left out"
)]

mod command;
mod command_support;
mod fhir;
mod field;
mod field_support;
mod hub;
mod hub_support;
mod map;
mod mutation_support;
mod report;
mod report_support;
mod requirement;
mod scenario;
mod schema;
