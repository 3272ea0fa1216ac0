//! Runs scenarios against a target: many at once, each on topics of its own; judges, and emits the events of the run.
//!
//! It renders nothing: what it finds leaves as [`crate::outcome::RunEvent`]s.

mod acknowledgements;
mod ambient;
mod answers;
mod base_fhir;
mod calls;
mod cast;
mod claims;
mod connecting;
mod control;
mod dialect;
mod expiry;
mod frames;
mod judge;
mod messages;
mod overheard;
mod plan;
mod play;
mod preflight;
mod publishing;
mod requests;
mod requirements;
mod retrying;
mod run;
mod sameness;
mod settling;
mod shard;
mod stage;
mod subscribing;
mod target;
mod target_file;
mod teardown;
mod tokens;
mod topics;
mod webhooks;

pub use claims::Claims;
pub use control::{Control, control_of};
pub use dialect::Dialect;
pub use overheard::{Overheard, OverheardError, judge_overheard};
pub use plan::{Plan, plan};
pub use preflight::PreflightError;
pub use requirements::AMBIENT;
pub use run::{Materials, MaterialsError, Part, RunError, run};
pub use shard::{Shard, ShardError};
pub use target::{RejectedToken, RestrictedToken, Target, TargetError, Timing};

use crate::outcome::Check;

/// The command that runs just this check again.
fn repeat_command(setting: &play::Setting, check: &Check) -> String {
    let words = ["castspec", "run"].into_iter().map(str::to_owned);
    let words = words
        .chain(setting.target.arguments.iter().cloned())
        .chain([check.id.clone()]);
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
