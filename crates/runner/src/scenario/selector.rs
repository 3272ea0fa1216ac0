//! Picking messages that a subscriber received.

use std::collections::BTreeMap;
use std::fmt::Write;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::describe::describe_places;
use super::matcher::Matcher;
use super::written::{EventText, Has, SavedName};

/// The kind of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "message-kind")]
pub enum MessageSelector {
    /// The confirmation of a subscription.
    Confirmation,
    /// A denial.
    Denial,
    /// Any event notification but SyncError.
    Notification,
    /// A `SyncError` notification.
    SyncError,
    /// An intent verification at a callback.
    Verification,
}

/// Picks messages that a subscriber received.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "selector")]
pub struct Selector {
    /// The kind of the message.
    pub kind: MessageSelector,
    /// The event's name, without regard to case.
    #[schemars(with = "Option<EventText>")]
    pub event: Option<String>,
    /// The saved publication that it comes from: a notification with the same event and the same id or resource; a SyncError
    /// that names the publication's id.
    #[schemars(with = "Option<SavedName>")]
    pub of: Option<Spanned<String>>,
    /// Only messages after the publication or message saved under this name.
    #[schemars(with = "Option<SavedName>")]
    pub after: Option<Spanned<String>>,
    /// Places in the message.
    #[serde(default)]
    #[schemars(with = "Has")]
    pub has: BTreeMap<String, Matcher>,
}

impl Selector {
    /// The message, as it follows "must receive".
    pub(super) fn describe(&self) -> String {
        let mut text = match self.kind {
            MessageSelector::Confirmation => "the confirmation of its subscription",
            MessageSelector::Denial => "a denial",
            MessageSelector::Notification => "a notification",
            MessageSelector::SyncError => "a SyncError",
            MessageSelector::Verification => "the verification of its intent",
        }
        .to_owned();
        if let Some(event) = &self.event {
            let _ = write!(text, " of {event}");
        }
        if let Some(of) = &self.of {
            let _ = write!(text, " of '{}'", of.value);
        }
        if let Some(after) = &self.after {
            let _ = write!(text, " after '{}'", after.value);
        }
        if !self.has.is_empty() {
            let _ = write!(text, " in which {}", describe_places(&self.has));
        }
        text
    }
}
