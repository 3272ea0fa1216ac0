//! Judging a hub: the conversation that it held with its subscribers, and the rules that it is judged by.

mod acknowledgements;
mod base_fhir;
mod breach;
mod claims;
mod control;
mod conversation;
mod difference;
#[cfg(test)]
mod example;
mod finding;
mod guessing;
pub mod ids;
mod issued;
mod judge;
mod latitude;
mod missing;
mod numerals;
mod publication;
mod recorded;
pub mod rules;
mod sameness;
mod selection;
mod subscription;
#[cfg(test)]
mod tests;
mod unasked;

pub use base_fhir::{Authored, FHIR_READINGS, authored_content, readings};
pub use breach::{Breach, Place, shortened};
pub use claims::Claims;
pub use control::{Control, control_of, control_received};
pub use conversation::{Channel, Conversation, Subscriber};
pub use finding::unjudged;
pub use guessing::guessable;
pub use ids::AMBIENT;
pub use issued::Issued;
pub use judge::{Judge, RequestKind};
pub use missing::{Expected, Unheld, cause, nameless_sync_error, not_closed, unwanted, why_missing};
pub use publication::{Publication, causes, event_of, is_foreign, origin, subject_id, version_of};
pub use recorded::{HubUrlError, Recorded, judge_recorded, parse_hub_url};
pub use sameness::equal;
pub use selection::{MessageClass, Selection};
pub use subscription::{Intent, Subscription, Subscriptions, events_in, lease_in};
pub use unasked::{Mentioned, Unasked, unasked};
