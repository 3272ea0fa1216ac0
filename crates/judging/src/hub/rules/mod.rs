//! The ambient rules: what must hold in every conversation with a hub, whatever a scenario says.
//!
//! One file a group of rules. A rule takes what was observed and tells a [`super::Judge`] what it finds.

mod acceptance;
mod alike;
mod ambient;
mod calls;
mod challenges;
mod confirmation;
mod copies;
mod current;
mod deliveries;
mod denials;
mod diagnostics;
mod ends;
mod events;
mod frames;
mod intents;
mod leases;
mod members;
mod notifications;
mod order;
mod owed;
mod publishing;
mod shared;
mod signatures;
mod sync_errors;
#[cfg(test)]
mod tests;
mod topics;
mod transport;
mod unique_ids;
mod unique_members;
mod untold;

pub use acceptance::{end_accepted, status_of_acceptance, subscription_accepted};
pub use ambient::judge_conversation;
pub use challenges::judge_challenges;
pub use confirmation::{not_confirmed, not_connected};
pub use current::ContextRead;
pub use frames::{first_frame_of_no_known_kind, pass_over_first_frames, told_of_first_frame};
pub use intents::{Unverified, not_verified};
pub use leases::{
    Silence, after_silence, deaf_after_silence, ended_early, has_run_out, lasted_its_lease, safe_part_of,
    within_token,
};
pub use owed::{Owed, OwedSyncError, owed, owed_sync_errors};
pub use publishing::{taken_nowhere, taken_with_topic_in_url};
