//! Runs scenarios against a target: many at once, each on topics of its own; judges, and emits the events of the run.
//!
//! It renders nothing: what it finds leaves as [`crate::outcome::RunEvent`]s.

mod ambient;
mod answers;
mod cast;
mod claims;
mod control;
mod dialect;
mod judge;
mod messages;
mod play;
mod preflight;
mod publishing;
mod requests;
mod requirements;
mod run;
mod stage;
mod subscribing;
mod target;
mod teardown;
mod topics;

pub use claims::Claims;
pub use preflight::PreflightError;
pub use requirements::AMBIENT;
pub use run::{Materials, RunError, run};
pub use target::{Target, TargetError, Timing};

use crate::outcome::Check;

/// The command that runs just this check again.
fn repeat_command(setting: &play::Setting, check: &Check) -> String {
    let mut command = "castspec run".to_owned();
    if !setting.target.built_in {
        command.push_str(&format!(" --hub {}", setting.target.hub_url_text()));
    }
    command.push_str(&format!(
        " --fhircast-version {} '{}'",
        check.fhircast_version, check.id
    ));
    command
}
