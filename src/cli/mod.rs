//! The command line: one file a subcommand.

pub mod hub;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "castspec", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Hub(hub::HubCommand),
}

/// Runs the program.
pub fn main() -> std::process::ExitCode {
    let arguments = Arguments::parse();
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        return std::process::ExitCode::from(2);
    };
    let Command::Hub(hub) = arguments.command;
    match runtime.block_on(hub.run()) {
        Ok(code) => code,
        Err(error) => {
            use std::io::Write;
            // Nothing is left to tell where standard error is gone.
            let _ = writeln!(std::io::stderr(), "castspec: {error}");
            std::process::ExitCode::from(2)
        }
    }
}
