//! The kinds of messages, and recognizing them by their members.

use serde_json::Value;

/// A kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// Subscription request, its form as an object of strings (2.4).
    SubscriptionRequest,
    /// Unsubscribe request, its form as an object of strings (2.4).
    UnsubscribeRequest,
    /// Answer to an accepted subscription request (2.4).
    SubscriptionResponse,
    /// Answer to an accepted unsubscribe request (2.4).
    UnsubscribeResponse,
    /// Confirmation (2.4).
    Confirmation,
    /// Denial (2.4).
    Denial,
    /// Event notification from the hub (2.5).
    Notification,
    /// Event notification from a subscriber (2.6).
    Publication,
    /// Acknowledgement (2.5).
    Acknowledgement,
    /// Configuration document (2.7).
    Configuration,
    /// Answer to Get Current Context (2.9).
    CurrentContext,
}

impl MessageKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::SubscriptionRequest,
        Self::UnsubscribeRequest,
        Self::SubscriptionResponse,
        Self::UnsubscribeResponse,
        Self::Confirmation,
        Self::Denial,
        Self::Notification,
        Self::Publication,
        Self::Acknowledgement,
        Self::Configuration,
        Self::CurrentContext,
    ];

    /// The name of its schema's file, without ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::SubscriptionRequest => "subscription-request",
            Self::UnsubscribeRequest => "unsubscribe-request",
            Self::SubscriptionResponse => "subscription-response",
            Self::UnsubscribeResponse => "unsubscribe-response",
            Self::Confirmation => "confirmation",
            Self::Denial => "denial",
            Self::Notification => "notification",
            Self::Publication => "publication",
            Self::Acknowledgement => "acknowledgement",
            Self::Configuration => "configuration",
            Self::CurrentContext => "current-context",
        }
    }

    /// Recognizes a message by its members (ambiguities, 26); `None` for what looks like nothing of FHIRcast.
    ///
    /// An event notification is taken for one from the hub: the two directions look alike.
    pub fn detect(message: &Value) -> Option<Self> {
        let message = message.as_object()?;
        let has = |name: &str| message.contains_key(name);
        match message.get("hub.mode").and_then(Value::as_str) {
            Some("denied") => return Some(Self::Denial),
            Some("unsubscribe") => return Some(Self::UnsubscribeRequest),
            Some("subscribe") if has("hub.channel.type") => return Some(Self::SubscriptionRequest),
            Some(_) => return Some(Self::Confirmation),
            None => {}
        }
        if has("event") || (has("timestamp") && has("id")) {
            Some(Self::Notification)
        } else if has("eventsSupported") || has("websocketSupport") {
            Some(Self::Configuration)
        } else if has("context.type") {
            Some(Self::CurrentContext)
        } else if has("status") && has("id") {
            Some(Self::Acknowledgement)
        } else if has("hub.mode") || has("hub.lease_seconds") {
            Some(Self::Confirmation)
        } else if has("hub.channel.endpoint") {
            Some(Self::SubscriptionResponse)
        } else {
            None
        }
    }
}
