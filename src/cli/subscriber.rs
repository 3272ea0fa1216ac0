//! `castspec subscriber`: a subscriber for the shell.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::CommandError;
use super::subscriber_events::EventArguments;
use super::subscriber_session::Session;
use super::under_test::UnderTest;
use castspec_fhircast::protocol::{EventName, Status};
use castspec_runner::client::{AnswerRule, Policy};

/// Run a subscriber against a hub: follow its events, answer them, publish
///
/// Subscribes, prints what comes, answers by policy or by hand, publishes what it is told to, renews its lease, and unsubscribes
/// when it ends. Every message of the hub is judged by the schemas; what is wrong is told on standard error.
///
/// Exit status: 0 all went well; 1 the hub broke a SHALL; 2 it could not be carried out, or the hub ended it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  castspec subscriber --hub https://hub.example.com/fhircast --topic desk-7 --events Patient-open,Patient-close\n  castspec subscriber --hub URL --topic desk-7 --events Patient-open --json --count 1\n  castspec subscriber --hub URL --topic desk-7 --events Patient-open --event Patient-open --patient jane.json --count 1"
)]
pub struct SubscriberCommand {
    #[command(flatten)]
    pub(super) under_test: UnderTest,
    /// The topic (hub.topic)
    #[arg(long, value_name = "TOPIC")]
    pub(super) topic: String,
    /// The events to follow (hub.events), separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', required = true)]
    pub(super) events: Vec<EventName>,
    /// What it calls itself (subscriber.name)
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// The lease to ask for, in seconds; it is renewed in time
    #[arg(long, value_name = "SECONDS")]
    pub(super) lease: Option<u64>,
    /// The way that notifications take
    #[arg(long, value_enum)]
    pub(super) channel: Option<ChannelChoice>,
    /// The environment variable with hub.secret, of a webhook; a made-up one where it is left out
    #[arg(long, value_name = "VARIABLE")]
    pub(super) secret_env: Option<String>,
    /// How to answer: a status, never, or either for one event, as in 200, never, Patient-open=409; repeatable, the first that
    /// fits counts
    #[arg(long, value_name = "ANSWER", value_parser = answer)]
    pub(super) answer: Vec<AnswerRule>,
    /// Answer this much later
    #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
    pub(super) answer_after: Duration,
    /// Ask for each answer: a status on a line of standard input, an empty line for 200, - for none
    #[arg(long, conflicts_with = "stdin")]
    pub(super) by_hand: bool,
    #[command(flatten)]
    pub(super) publishing: EventArguments,
    /// Publish each line of standard input too: a message as JSON
    #[arg(long)]
    pub(super) stdin: bool,
    /// Ask for the current context once subscribed
    #[arg(long)]
    pub(super) current_context: bool,
    /// Print a JSON object a line for each message
    #[arg(long)]
    pub(super) json: bool,
    /// End after so many notifications
    #[arg(long, value_name = "N")]
    pub(super) count: Option<usize>,
    /// End after this time
    #[arg(long = "for", value_name = "SECONDS", value_parser = seconds)]
    pub(super) lasting: Option<Duration>,
    /// Do not judge the hub's messages
    #[arg(long)]
    pub(super) unjudged: bool,
}

/// The way that notifications take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChannelChoice {
    /// Over a WebSocket (STU2, STU3)
    Websocket,
    /// To a callback (STU1, STU2)
    Webhook,
}

impl SubscriberCommand {
    /// Follows the events until told to end.
    ///
    /// # Errors
    /// When the hub cannot be reached, refuses or ends the subscription.
    pub async fn run(&self) -> Result<ExitCode, CommandError> {
        if !self.under_test.names_a_hub() {
            return Err(CommandError::new("name a hub by --hub or --target"));
        }
        let (_, targets) = self.under_test.targets(&[]).await?;
        let Some(target) = targets.into_iter().next() else {
            return Err(CommandError::new("name a hub by --hub or --target"));
        };
        let mut session = Session::begin(self, target).await?;
        let result = session.follow(self).await;
        session.leave().await;
        result?;
        Ok(session.exit_code())
    }

    /// How it answers.
    pub(super) fn policy(&self) -> Policy {
        if self.by_hand {
            // SyncErrors are acknowledged all the same.
            let rules = vec![AnswerRule::default()];
            return Policy { rules };
        }
        let mut rules = self.answer.clone();
        let is_general = |rule: &AnswerRule| rule.event.is_none();
        if !self.answer_after.is_zero() && !rules.iter().any(is_general) {
            rules.push(AnswerRule {
                status: Some(ACCEPTED),
                ..AnswerRule::default()
            });
        }
        for rule in &mut rules {
            rule.after = self.answer_after;
        }
        Policy { rules }
    }

    /// The file with the description of the hub, for messages.
    pub(super) fn secret(&self) -> Result<String, CommandError> {
        let Some(variable) = &self.secret_env else {
            return Ok(uuid::Uuid::new_v4().simple().to_string());
        };
        std::env::var(variable)
            .ok()
            .filter(|secret| !secret.is_empty())
            .ok_or_else(|| {
                CommandError::new(format!(
                    "hub.secret is to come from the environment variable {variable}, which is not set"
                ))
            })
    }
}

/// The status of success.
pub(super) const ACCEPTED: Status = Status {
    code: 200,
    as_text: false,
};

/// `409`, `never`, `Patient-open=409`.
fn answer(text: &str) -> Result<AnswerRule, String> {
    let (event, status) = match text.split_once('=') {
        Some((event, status)) => {
            let event = event.parse::<EventName>().map_err(|error| error.to_string())?;
            (Some(event), status)
        }
        None => (None, text),
    };
    let status = match status {
        "never" => None,
        code => Some(status_of(code)?),
    };
    Ok(AnswerRule {
        event,
        status,
        ..AnswerRule::default()
    })
}

/// A status as a number.
pub(super) fn status_of(text: &str) -> Result<Status, String> {
    let code: Option<u16> = text.trim().parse().ok();
    let code = code.filter(|code| (100..600).contains(code));
    let code =
        code.ok_or_else(|| format!("'{text}' is no HTTP status, such as 200 or 409, and not 'never'"))?;
    Ok(Status { code, as_text: false })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| format!("'{text}' is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
