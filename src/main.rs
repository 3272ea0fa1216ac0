//! The `castspec` binary: everything is in the library.

// A run makes and drops many small strings on all threads at once; with the system's allocator that is a third of its work.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    castspec::cli::main()
}
