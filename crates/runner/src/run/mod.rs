//! Runs scenarios against a target: many at once, each on topics of its own; judges, and emits the events of the run.
//!
//! It renders nothing: what it finds leaves as [`crate::outcome::RunEvent`]s.

mod absent;
mod answers;
mod begun;
mod connecting;
mod dialect;
mod emitter;
mod execution;
mod expect_close;
mod expiry;
mod fence;
mod first_contact;
mod granted_events;
mod leaving;
mod messages;
mod mock_subscriber;
mod one_scenario;
mod outage;
mod patience;
mod plan;
mod preflight;
mod publishing;
mod quiet;
mod refused_subscriptions;
mod requests;
mod retrying;
mod scenario_run;
mod scenario_setup;
mod scenario_state;
mod schedule;
mod settling;
mod shard;
mod subscribing;
mod target;
mod target_file;
mod teardown;
mod tokens;
mod topics;
mod under_way;
mod webhooks;

pub use dialect::{Dialect, DialectSettings};
pub use execution::{Materials, MaterialsError, RunError, VersionPlan, run};
pub use plan::{Plan, knock, plan};
pub use preflight::PreflightError;
pub use shard::{Shard, ShardError};
pub use target::{RejectedToken, RestrictedToken, Target, TargetError, Timing};

pub use crate::judging::hub::{AMBIENT, Claims, Control, control_of};
use crate::outcome::Check;

/// The command that runs just this check again.
fn repeat_command(setting: &scenario_run::Setting, check: &Check) -> String {
    command_for(setting, &check.id)
}

/// The command that runs what this selector names against the same target.
fn command_for(setting: &scenario_run::Setting, selector: &str) -> String {
    let words = ["castspec", "run"].into_iter().map(str::to_owned);
    let words = words
        .chain(setting.target.arguments.iter().cloned())
        .chain([selector.to_owned()]);
    words.map(|word| quoted(&word)).collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
