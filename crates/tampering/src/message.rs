//! The kinds of messages, and how they are told apart.

use castspec_fhircast::protocol::Version;
use serde::Deserialize;
use serde_json::Value;

/// A kind of message that a hub sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MessageKind {
    /// The answer to a subscription request. Answers have the members `status`, `headers` and `body`.
    SubscribeAnswer,
    /// The answer to an unsubscribe request.
    UnsubscribeAnswer,
    /// The answer to an event that was published.
    PublishAnswer,
    /// The answer of Get Current Context.
    CurrentContext,
    /// The configuration document.
    Configuration,
    /// The confirmation of a subscription over its WebSocket.
    Confirmation,
    /// The verification of a webhook's intent, as an object of its parameters.
    Verification,
    /// A denial.
    Denial,
    /// An event, but no SyncError.
    Notification,
    /// A SyncError.
    SyncError,
}

impl MessageKind {
    /// Whether a version has such messages.
    pub fn is_of(self, version: Version) -> bool {
        match self {
            Self::CurrentContext => version == Version::Stu3,
            Self::Configuration | Self::Confirmation => version != Version::Stu1,
            Self::Verification => version != Version::Stu3,
            _ => true,
        }
    }

    /// What a message is that the hub sends of its own accord: over a WebSocket, or as the body of a call.
    pub fn of_message(message: &Value) -> Option<Self> {
        if let Some(event) = message.pointer("/event/hub.event").and_then(Value::as_str) {
            return Some(match event.eq_ignore_ascii_case("SyncError") {
                true => Self::SyncError,
                false => Self::Notification,
            });
        }
        match message.get("hub.mode").and_then(Value::as_str)? {
            "denied" => Some(Self::Denial),
            _ if message.get("hub.challenge").is_some() => Some(Self::Verification),
            _ => Some(Self::Confirmation),
        }
    }

    /// What the answer to a request is; `hub_path` is the path of `hub.url`.
    pub fn of_answer(method: &str, path: &str, hub_path: &str, body: &[u8]) -> Option<Self> {
        match method {
            "GET" if path.contains("/.well-known/fhircast-configuration") => Some(Self::Configuration),
            "GET" if path.strip_prefix(hub_path).is_some_and(|rest| rest.len() > 1) => {
                Some(Self::CurrentContext)
            }
            "POST" if serde_json::from_slice::<Value>(body).is_ok() => Some(Self::PublishAnswer),
            "POST" => {
                let pairs = url::form_urlencoded::parse(body);
                let mode = pairs.into_iter().find(|(name, _)| name == "hub.mode")?;
                match &*mode.1 {
                    "subscribe" => Some(Self::SubscribeAnswer),
                    "unsubscribe" => Some(Self::UnsubscribeAnswer),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_hub_sends_is_told_by_its_members() {
        for (message, kind) in [
            (
                json!({"event": {"hub.event": "Patient-open"}}),
                Some(MessageKind::Notification),
            ),
            (
                json!({"event": {"hub.event": "syncerror"}}),
                Some(MessageKind::SyncError),
            ),
            (json!({"hub.mode": "denied"}), Some(MessageKind::Denial)),
            (json!({"hub.mode": "subscribe"}), Some(MessageKind::Confirmation)),
            (
                json!({"hub.mode": "subscribe", "hub.challenge": "c"}),
                Some(MessageKind::Verification),
            ),
            (json!({"beat": 1}), None),
            (json!([]), None),
        ] {
            assert_eq!(MessageKind::of_message(&message), kind, "{message}");
        }
    }

    #[test]
    fn an_answer_is_told_by_its_request() {
        let subscribe = b"hub.channel.type=websocket&hub.mode=subscribe";
        for (method, path, body, kind) in [
            ("POST", "/hub", &subscribe[..], Some(MessageKind::SubscribeAnswer)),
            (
                "POST",
                "/hub",
                b"hub.mode=unsubscribe",
                Some(MessageKind::UnsubscribeAnswer),
            ),
            (
                "POST",
                "/hub",
                b"{\"event\": {}}",
                Some(MessageKind::PublishAnswer),
            ),
            ("GET", "/hub/topic", b"", Some(MessageKind::CurrentContext)),
            (
                "GET",
                "/hub/.well-known/fhircast-configuration",
                b"",
                Some(MessageKind::Configuration),
            ),
            ("POST", "/hub", b"hub.mode=other", None),
            ("GET", "/hub", b"", None),
        ] {
            assert_eq!(
                MessageKind::of_answer(method, path, "/hub", body),
                kind,
                "{method} {path}"
            );
        }
    }
}
