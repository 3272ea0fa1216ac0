//! The files that are embedded in the binary: one that is added rebuilds it as one that changes does.

#![allow(
    clippy::print_stdout,
    reason = "a build script speaks to Cargo over standard output"
)]

fn main() {
    for folder in ["../../scenarios/requirements", "../../schemas"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
