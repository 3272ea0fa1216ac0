//! The command line: one file a subcommand. Arguments are read here, and errors become one clear line and an exit code.

mod base_fhir;
mod ci_server;
mod command_error;
mod guest;
mod hub;
mod hub_client;
mod hub_control;
mod hub_reach;
mod hub_subscribers;
mod hub_tokens;
mod init;
mod minimise;
mod output;
mod record;
mod replay;
mod report;
mod report_signing;
mod requirements;
mod run;
mod run_watch;
mod scenario;
mod scenario_index;
mod scenarios;
mod selfcheck;
mod subscriber;
mod subscriber_events;
mod subscriber_session;
mod subscriber_tell;
mod under_test;
mod validate;
mod validate_conversation;
mod validate_file;
mod validate_message;

pub use command_error::CommandError;
pub(crate) use output::print;
use output::{Output, print_as_it_is, print_error};

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::report::{clean, directions_shown};
use castspec_judging::redaction::Redactor;

/// The run could not be carried out.
const EXIT_NOT_CARRIED_OUT: u8 = 2;

/// Conformance test harness and hub simulator for HL7 FHIRcast.
#[derive(Debug, Parser)]
#[command(name = "castspec", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Tell on standard error what castspec does (repeat for more)
    #[arg(long, short = 'v', global = true, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunCommand),
    Init(init::InitCommand),
    Hub(hub::HubCommand),
    Subscriber(subscriber::SubscriberCommand),
    Replay(replay::ReplayCommand),
    Validate(validate::ValidateCommand),
    Scenarios(scenarios::ScenariosCommand),
    Scenario(scenario::ScenarioCommand),
    Minimise(minimise::MinimiseCommand),
    Requirements(requirements::RequirementsCommand),
    Selfcheck(selfcheck::SelfCheckCommand),
    Record(record::RecordCommand),
    Report(report::ReportCommand),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  castspec completions bash > ~/.local/share/bash-completion/completions/castspec"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the program: reads the arguments, carries the command out, and tells what went wrong in one line.
pub fn main() -> ExitCode {
    let _at_the_end = ci_server::ReadAgain;
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return tell_usage(&error),
    };
    set_up_tracing(arguments.verbose);
    // A provider that is already installed is the same one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("the runtime cannot be started: {error}")),
    };
    let result = runtime.block_on(carry_out(arguments.command));
    // What is still under way has nothing more to say.
    runtime.shutdown_background();
    // Whoever reads an exit status of 0 has to have been told what was found.
    let result = result.and_then(|code| Output::failure().map_or(Ok(code), Err));
    match result {
        Ok(code) => code,
        Err(error) => fail(&SHOWN.text(&error.to_string())),
    }
}

async fn carry_out(command: Command) -> Result<ExitCode, CommandError> {
    match command {
        Command::Run(command) => command.run().await,
        Command::Init(command) => command.run().await,
        Command::Hub(command) => Ok(command.run().await?),
        Command::Subscriber(command) => command.run().await,
        Command::Replay(command) => command.run().await,
        Command::Validate(command) => command.run(),
        Command::Scenarios(command) => command.run(),
        Command::Scenario(command) => command.run(),
        Command::Minimise(command) => command.run().await,
        Command::Requirements(command) => command.run(),
        Command::Selfcheck(command) => command.run().await,
        Command::Record(command) => command.run().await,
        Command::Report(command) => command.run(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "castspec", &mut script);
            print_as_it_is(&String::from_utf8_lossy(&script))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Help and version go to standard output; a wrong argument is told in one line with where to look.
fn tell_usage(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return match error.print() {
            Err(problem) if problem.kind() != std::io::ErrorKind::BrokenPipe => {
                fail(&format!("standard output cannot be written: {problem}"))
            }
            _ => ExitCode::SUCCESS,
        };
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
        return ExitCode::from(EXIT_NOT_CARRIED_OUT);
    }
    let rendered = error.render().to_string();
    let told: Vec<&str> = rendered
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let line = told.join(" ").replace(" tip: ", "; tip: ");
    fail(&format!(
        "{} (castspec --help tells more)",
        line.trim_start_matches("error: ")
    ))
}

fn fail(line: &str) -> ExitCode {
    print_error(&format!("castspec: {line}\n"));
    ExitCode::from(EXIT_NOT_CARRIED_OUT)
}

/// Hides secrets in what goes to standard error.
static SHOWN: LazyLock<Redactor> = LazyLock::new(Redactor::default);

/// Libraries whose most detailed logs show the bytes that pass, among them secrets in spellings that nothing finds again.
const BYTES_IN_TRACES: [&str; 8] = [
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "tokio_rustls",
    "tokio_tungstenite",
    "tungstenite",
];

/// Standard error for the log: a line at a time, as the subscriber writes it.
struct RedactedLog;

impl std::io::Write for RedactedLog {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let shown = SHOWN.text(&String::from_utf8_lossy(line));
        // Colours of the log's own are control characters too; those of others are escaped before they get here.
        let shown = match std::io::stderr().is_terminal() {
            true => directions_shown(&shown),
            false => clean(&shown),
        };
        std::io::stderr().write_all(shown.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

fn set_up_tracing(verbose: u8) {
    let default = match verbose {
        0 => "error",
        1 => "castspec=info",
        2 => "castspec=debug",
        _ => "debug",
    };
    let asked_for = EnvFilter::try_from_env("CASTSPEC_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let shown = filter_fn(|metadata| {
        let library = metadata.target().split("::").next().unwrap_or_default();
        *metadata.level() != tracing::Level::TRACE || !BYTES_IN_TRACES.contains(&library)
    })
    // Without it, every message of every library is made, to be thrown away.
    .with_max_level_hint(LevelFilter::TRACE);
    let log = tracing_subscriber::fmt::layer()
        .with_writer(|| RedactedLog)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(log.with_filter(asked_for.and(shown)))
        .init();
}

/// Waits for Ctrl-C or SIGTERM.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals nothing can interrupt.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
