//! The steps of a scenario, one file a kind: its fields, its mistakes, the requirements that it judges, its description and how
//! long it waits. [`Step`] dispatches to them.

mod abort;
mod absent;
mod answers;
mod check;
mod connect;
mod disconnect;
mod discover;
mod expect;
mod expect_close;
mod expect_expiry;
mod fence;
mod get_context;
mod kind;
mod observe;
mod publish;
mod request;
mod request_subscription;
mod send;
mod step;
mod subscribe;
mod unsubscribe;
mod verifications;

pub use abort::Abort;
pub use absent::Absent;
pub use answers::ChangeAnswers;
pub use check::CheckValues;
pub use connect::Connect;
pub use disconnect::Disconnect;
pub use discover::Discover;
pub use expect::{Expect, MessageCheck};
pub use expect_close::ExpectClose;
pub use expect_expiry::ExpectExpiry;
pub use fence::Fence;
pub use get_context::GetContext;
pub(super) use kind::{SavedKind, StepKind};
pub use observe::{Observe, Reading};
pub use publish::Publish;
pub use request::Request;
pub use request_subscription::RequestSubscription;
pub use send::Send;
pub use step::Step;
pub use subscribe::Subscribe;
pub use unsubscribe::Unsubscribe;
pub use verifications::ChangeVerifying;
