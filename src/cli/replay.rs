//! `castspec replay`: the subscribers of a capture, played again against a hub.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::under_test::UnderTest;
use super::{CommandError, SHOWN, print};
use crate::capture::Reader;
use crate::replay::{Pace, Replayed, Script, replay};

/// Play the subscribers of a capture again, and tell what the hub now does otherwise
///
/// Each does what it did when what had come to it by then has come. Topics, endpoints, ids of events, versions of contexts and
/// timestamps are those of this time. Against the built-in hub, unless --hub or --target is given.
///
/// Exit status: 0 the hub does as in the capture; 1 it does otherwise; 2 the capture could not be played.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  castspec replay capture.jsonl --hub https://hub.example.com/fhircast --ca-cert ca.pem"
)]
pub struct ReplayCommand {
    /// The capture, as castspec record writes it
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// When each act is done
    #[arg(long, value_enum, default_value = "compressed")]
    timing: Timing,
    /// What a topic of the capture is called at this hub; repeatable. Others are made up
    #[arg(long, value_name = "CAPTURED=NOW", value_parser = pair)]
    topic: Vec<(String, String)>,
    #[command(flatten)]
    under_test: UnderTest,
}

/// When each act is done.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Timing {
    /// As soon as what had come before it has come
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
        let wrong = |error: &dyn std::error::Error| CommandError::from_error(error);
        let reader = Reader::open(&self.capture).map_err(|error| wrong(&error))?;
        let upstream = reader.header().upstream.clone();
        let lines: Result<Vec<_>, _> = reader.collect();
        let script = Script::read(&upstream, lines.map_err(|error| wrong(&error))?);
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
        let replayed = replayed.map_err(|error| wrong(&error))?;
        print(&SHOWN.text(&told(&script, &replayed)))?;
        Ok(match replayed.differences.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(1),
        })
    }
}

fn told(script: &Script, replayed: &Replayed) -> String {
    let mut text = String::new();
    for difference in &replayed.differences {
        text.push_str(&format!("{difference}\n"));
    }
    for own in &script.left_out {
        text.push_str(&format!("left out: {own}\n"));
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
