//! The `castspec` binary: everything is in the library.

fn main() -> std::process::ExitCode {
    castspec::cli::main()
}
