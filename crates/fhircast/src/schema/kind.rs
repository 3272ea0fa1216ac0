//! The kinds of messages, who sends them, and how a bare one is told.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::formats;

/// Whose message it is, and so whom the requirements bind that exist for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sender {
    /// The hub.
    Hub,
    /// A subscriber.
    Subscriber,
}

impl Sender {
    pub(super) const ALL: [Self; 2] = [Self::Hub, Self::Subscriber];

    /// The last part of the requirement ids that exist for both: `hub`, `subscriber`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Subscriber => "subscriber",
        }
    }
}

/// A kind of message of FHIRcast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MessageKind {
    /// The form of a subscription request, as an object of strings; a repeated parameter is an array (2.4).
    SubscriptionRequest,
    /// The form of an unsubscribe request, as an object of strings; a repeated parameter is an array (2.4).
    UnsubscribeRequest,
    /// The body of the 202 answer to a subscription request (2.4).
    SubscriptionResponse,
    /// The body of the 202 answer to an unsubscribe request (2.4).
    UnsubscribeResponse,
    /// The confirmation over the WebSocket (2.4).
    Confirmation,
    /// The denial over the WebSocket (2.4).
    Denial,
    /// The query of the GET by which the hub verifies a subscriber's intent, as an object of strings; parameters of the
    /// callback's own may stand beside the hub's (STU1 and STU2, webhooks).
    IntentVerification,
    /// The query of the GET by which the hub denies a subscription, as an object of strings; parameters of the callback's
    /// own may stand beside the hub's (STU1 and STU2, webhooks).
    WebhookDenial,
    /// An event notification, hub to subscriber (2.5).
    Notification,
    /// The body of a requested change, subscriber to hub (2.6).
    Publication,
    /// The answer to a notification over the WebSocket (2.5); over a webhook an HTTP status answers.
    Acknowledgement,
    /// The configuration document (2.7).
    Configuration,
    /// The answer to Get Current Context (2.9).
    CurrentContext,
    /// The CapabilityStatement of a FHIR server that declares where its hub is (2.7).
    CapabilityStatement,
}

/// The parameters that subscription and unsubscribe requests alone have.
const OF_REQUESTS: [&str; 3] = ["hub.channel.type", "hub.callback", "hub.secret"];

/// Whether a member says something: hubs send parameters of the request back in a confirmation, with nothing in them.
fn is_told(message: &Value, name: &str) -> bool {
    !matches!(message.get(name), None | Some(Value::Null)) && message.get(name) != Some(&Value::from(""))
}

/// Whether a message with `hub.mode` is a request: it has what requests alone have. Forms have no numbers, so an endpoint beside a
/// lease that is one is a confirmation's.
fn is_of_subscriber(message: &Value) -> bool {
    OF_REQUESTS.into_iter().any(|name| is_told(message, name))
        || is_told(message, "hub.channel.endpoint")
            && !message.get("hub.lease_seconds").is_some_and(Value::is_number)
}

/// Whether an event is an update without a prior version, which the hub adds when it distributes the update (2.10).
fn is_requested_update(event: &Value) -> bool {
    let name = event.get("hub.event").and_then(Value::as_str).unwrap_or_default();
    let distributed = ["context.priorVersionId", "priorVersionId"]
        .into_iter()
        .any(|member| event.get(member).is_some());
    formats::is_update_event(name) && !distributed
}

impl MessageKind {
    /// The kinds of all versions; [`Schemas::kinds`](super::Schemas::kinds) has those of one.
    pub const ALL: [Self; 14] = [
        Self::SubscriptionRequest,
        Self::UnsubscribeRequest,
        Self::SubscriptionResponse,
        Self::UnsubscribeResponse,
        Self::Confirmation,
        Self::Denial,
        Self::IntentVerification,
        Self::WebhookDenial,
        Self::Notification,
        Self::Publication,
        Self::Acknowledgement,
        Self::Configuration,
        Self::CurrentContext,
        Self::CapabilityStatement,
    ];

    /// The name of the kind, which is that of its schema: `subscription-request`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SubscriptionRequest => "subscription-request",
            Self::UnsubscribeRequest => "unsubscribe-request",
            Self::SubscriptionResponse => "subscription-response",
            Self::UnsubscribeResponse => "unsubscribe-response",
            Self::Confirmation => "confirmation",
            Self::Denial => "denial",
            Self::IntentVerification => "intent-verification",
            Self::WebhookDenial => "webhook-denial",
            Self::Notification => "notification",
            Self::Publication => "publication",
            Self::Acknowledgement => "acknowledgement",
            Self::Configuration => "configuration",
            Self::CurrentContext => "current-context",
            Self::CapabilityStatement => "capability-statement",
        }
    }

    /// Who sends messages of this kind.
    pub fn sender(self) -> Sender {
        match self {
            Self::SubscriptionRequest
            | Self::UnsubscribeRequest
            | Self::Publication
            | Self::Acknowledgement => Sender::Subscriber,
            Self::SubscriptionResponse
            | Self::UnsubscribeResponse
            | Self::Confirmation
            | Self::Denial
            | Self::IntentVerification
            | Self::WebhookDenial
            | Self::Notification
            | Self::Configuration
            | Self::CurrentContext
            | Self::CapabilityStatement => Sender::Hub,
        }
    }

    /// The kind of a bare message, by the members that only this kind has; `None` where none tells.
    ///
    /// A publication is told from a notification where it is an update, by the prior version that it lacks; another is taken
    /// for a notification. Neither can the two responses or the two denials be told from each other. [`Schemas::detect`](super::Schemas::detect) knows which of them a version has.
    pub fn detect(message: &Value) -> Option<Self> {
        let has = |name: &str| message.get(name).is_some();
        let mode = message.get("hub.mode").and_then(Value::as_str);
        if has("hub.mode") {
            let from_subscriber = is_of_subscriber(message);
            return Some(match mode {
                _ if has("hub.challenge") && !from_subscriber => Self::IntentVerification,
                Some("denied") => Self::Denial,
                Some("unsubscribe") => Self::UnsubscribeRequest,
                _ if from_subscriber => Self::SubscriptionRequest,
                _ => Self::Confirmation,
            });
        }
        if message.get("resourceType").and_then(Value::as_str) == Some("CapabilityStatement") {
            return Some(Self::CapabilityStatement);
        }
        if let Some(event) = message.get("event") {
            return Some(match is_requested_update(event) {
                true => Self::Publication,
                false => Self::Notification,
            });
        }
        if has("context.type") {
            return Some(Self::CurrentContext);
        }
        if has("eventsSupported") || has("websocketSupport") {
            return Some(Self::Configuration);
        }
        if has("status") {
            return Some(Self::Acknowledgement);
        }
        has("hub.channel.endpoint").then_some(Self::SubscriptionResponse)
    }
}

/// A name that no kind of message has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no kind of message")]
pub struct UnknownKind(pub String);

impl FromStr for MessageKind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| UnknownKind(name.to_owned()))
    }
}

impl fmt::Display for MessageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_without_a_prior_version_is_a_request() {
        let update = |event: &str, member: &str| json!({"event": {"hub.event": event, member: "v"}});
        for (message, kind) in [
            (
                update("DiagnosticReport-update", "context.versionId"),
                MessageKind::Publication,
            ),
            (
                update("ImagingStudy-UPDATE", "hub.topic"),
                MessageKind::Publication,
            ),
            (
                update("DiagnosticReport-update", "context.priorVersionId"),
                MessageKind::Notification,
            ),
            (
                update("DiagnosticReport-update", "priorVersionId"),
                MessageKind::Notification,
            ),
            (
                update("DiagnosticReport-open", "context.versionId"),
                MessageKind::Notification,
            ),
        ] {
            assert_eq!(MessageKind::detect(&message), Some(kind), "{message}");
        }
    }

    #[test]
    fn empty_parameters_of_a_request_make_no_request_of_a_confirmation() {
        let base =
            json!({"hub.mode": "subscribe", "hub.topic": "t", "hub.events": "", "hub.lease_seconds": 7200});
        let with = |name: &str, value: Value| {
            let mut message = base.clone();
            message[name] = value;
            MessageKind::detect(&message)
        };
        for (name, value) in [
            ("hub.callback", json!("")),
            ("hub.secret", Value::Null),
            ("hub.channel.type", json!("")),
            ("hub.channel.endpoint", json!("wss://hub.example.com/1")),
        ] {
            assert_eq!(with(name, value), Some(MessageKind::Confirmation), "{name}");
        }
        for (name, value) in [
            ("hub.callback", json!("http://localhost/cb")),
            ("hub.channel.type", json!("websocket")),
        ] {
            assert_eq!(
                with(name, value),
                Some(MessageKind::SubscriptionRequest),
                "{name}"
            );
        }
        let renewed = json!({"hub.mode": "subscribe", "hub.topic": "t", "hub.channel.endpoint": "wss://h/1"});
        assert_eq!(
            MessageKind::detect(&renewed),
            Some(MessageKind::SubscriptionRequest)
        );
    }

    #[test]
    fn every_kind_is_read_by_its_name_and_no_other_is() {
        for kind in MessageKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
        }
        assert_eq!(
            "hearsay".parse::<MessageKind>(),
            Err(UnknownKind("hearsay".to_owned()))
        );
    }
}
