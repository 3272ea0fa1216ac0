//! `castspec replay`: the subscribers of a capture, played again against a hub.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::under_test::UnderTest;
use super::{CommandError, SHOWN, interrupted, print};
use castspec_judging::capture::Reader;
use castspec_judging::capture::conversation::RecordedConversation;
use castspec_runner::replay::{Pace, ReplayHub, Replayed, Script, replay};

/// Play a capture again, and report the differences
///
/// As the subscribers, against a hub; or, with --as hub, as the hub, for real applications: an application that subscribes is sent the
/// messages of the recorded subscriber that it matches, as soon as it has done what preceded them.
///
/// Each action waits until the messages that preceded it in the capture have arrived. Topics, endpoints, ids of events, versions of
/// contexts and timestamps are replaced by new ones. Against the built-in hub, unless --hub or --target is given.
///
/// Exit status: 0 no difference; 1 the other side behaves differently; 2 the capture could not be played.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec replay capture.jsonl --hub https://hub.example.com/fhircast --ca-cert ca.pem"
)]
pub struct ReplayCommand {
    /// The capture, as castspec record writes it
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// The time of each action
    #[arg(long, value_enum, default_value = "compressed")]
    timing: Timing,
    /// The name of a topic of the capture at this hub; repeatable. Other topics get new names
    #[arg(long, value_name = "CAPTURED=NOW", value_parser = pair)]
    topic: Vec<(String, String)>,
    /// The side that castspec plays
    #[arg(long = "as", value_enum, default_value = "subscribers")]
    role: Role,
    /// As the hub: the address and port to listen on; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// As the hub: speak HTTP and WS in place of HTTPS and WSS
    #[arg(long)]
    plaintext: bool,
    /// As the hub: write the certificate authority (PEM) that applications have to trust to this file
    #[arg(long, value_name = "FILE", conflicts_with = "plaintext")]
    ca_out: Option<PathBuf>,
    /// As the hub: the seconds that an application may take for each action of the capture
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    patience: u16,
    #[command(flatten)]
    under_test: UnderTest,
}

/// The side that castspec plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Role {
    /// The subscribers, against a hub
    Subscribers,
    /// The hub, for real applications
    Hub,
}

/// The time of each action.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Timing {
    /// As soon as the messages that preceded it have arrived
    Compressed,
    /// No earlier than in the capture
    Captured,
}

impl ReplayCommand {
    /// Plays the capture.
    ///
    /// # Errors
    /// When it cannot be read or played.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        let reader = Reader::open(&self.capture)?;
        let upstream = reader.header().upstream.clone();
        let lines: Result<Vec<_>, _> = reader.collect();
        let script = Script::of(RecordedConversation::decode(&upstream, lines?));
        if self.role == Role::Hub {
            return self.as_hub(&script).await;
        }
        let (server, targets) = self.under_test.targets(&[]).await?;
        let Some(target) = targets.into_iter().next() else {
            return Err(CommandError::new("there is no hub to play against"));
        };
        let pace = match self.timing {
            Timing::Compressed => Pace::Compressed,
            Timing::Captured => Pace::Captured,
        };
        let replayed = replay(&script, &target, pace, &self.topic).await;
        if let Some(server) = server {
            server.shutdown().await;
        }
        let replayed = replayed?;
        print(&SHOWN.text(&told(&script, &replayed)))?;
        Ok(match replayed.differences.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(1),
        })
    }

    /// Plays the hub until every subscription of the capture has been played to its end, or Ctrl-C.
    async fn as_hub(&self, script: &Script) -> Result<ExitCode, CommandError> {
        let patience = Duration::from_secs(self.patience.into());
        let hub = ReplayHub::start(script, self.listen, self.plaintext, patience).await?;
        if let (Some(path), Some(pem)) = (&self.ca_out, hub.authority_pem()) {
            std::fs::write(path, pem)
                .map_err(|error| CommandError::new(format!("cannot write {}: {error}", path.display())))?;
        }
        print(&format!("castspec replay listening on {}\n", hub.url()))?;
        tokio::select! {
            () = hub.over() => {}
            () = interrupted() => {}
        }
        let differences = hub.differences();
        for difference in &differences {
            print(&SHOWN.text(&format!("{difference}\n")))?;
        }
        for left_out in script.left_out.iter().copied().chain(hub.left_out()) {
            print(&format!("left out: {left_out}\n"))?;
        }
        print(match differences.is_empty() {
            true => "the applications do as in the capture\n",
            false => "the applications do otherwise than in the capture\n",
        })?;
        Ok(ExitCode::from(u8::from(!differences.is_empty())))
    }
}

fn told(script: &Script, replayed: &Replayed) -> String {
    let mut text = String::new();
    for difference in &replayed.differences {
        text.push_str(&format!("{difference}\n"));
    }
    for left_out in &script.left_out {
        text.push_str(&format!("left out: {left_out}\n"));
    }
    let (now, then) = replayed.messages;
    text.push_str(&format!(
        "{} acts played; {now} messages came, {then} in the capture; {}\n",
        replayed.acts,
        match replayed.differences.len() {
            0 => "nothing is otherwise".to_owned(),
            1 => "1 difference".to_owned(),
            count => format!("{count} differences"),
        }
    ));
    text
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (captured, now) = text
        .split_once('=')
        .ok_or_else(|| format!("'{text}' is not of the form captured=now"))?;
    Ok((captured.to_owned(), now.to_owned()))
}
