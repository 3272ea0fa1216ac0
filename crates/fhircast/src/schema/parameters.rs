//! Parameters that no table of the specification has, and that look like one that it has.

use serde_json::Value;

use super::kind::MessageKind;
use crate::likeness::nearest;

/// The parameters of a request, and what earlier versions have beside them.
const OF_REQUESTS: [&str; 7] = [
    "hub.channel.type",
    "hub.mode",
    "hub.topic",
    "hub.events",
    "hub.lease_seconds",
    "hub.channel.endpoint",
    "subscriber.name",
];
const OF_ANSWERS: [&str; 5] = [
    "hub.mode",
    "hub.topic",
    "hub.events",
    "hub.lease_seconds",
    "hub.reason",
];
const OF_EARLIER_VERSIONS: [&str; 4] = ["hub.callback", "hub.secret", "hub.challenge", "hub.reason"];

/// A parameter that the message has, and the one that may be meant by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MisnamedParameter {
    /// The name as it stands in the message.
    pub name: String,
    /// The parameter of the specification that is like it.
    pub meant: &'static str,
}

/// The unknown parameters of a request, a confirmation or a denial that are near a known one. Others may stand there: nothing
/// forbids parameters of one's own.
pub fn misnamed_parameters(kind: MessageKind, message: &Value) -> Vec<MisnamedParameter> {
    let known: &[&'static str] = match kind {
        MessageKind::SubscriptionRequest | MessageKind::UnsubscribeRequest => &OF_REQUESTS,
        MessageKind::Confirmation | MessageKind::Denial => &OF_ANSWERS,
        _ => return Vec::new(),
    };
    let names = message.as_object().into_iter().flatten().map(|(name, _)| name);
    let unknown = names.filter(|name| {
        let all = [&OF_REQUESTS[..], &OF_ANSWERS, &OF_EARLIER_VERSIONS].concat();
        !all.contains(&name.as_str())
    });
    unknown
        .filter_map(|name| {
            let bare = |name: &'static str| name.strip_prefix("hub.").unwrap_or(name);
            let own = name.strip_prefix("hub.").unwrap_or(name);
            let meant = nearest(own, known.iter().map(|name| bare(name)))?;
            Some(MisnamedParameter {
                name: name.clone(),
                meant: known.iter().find(|name| bare(name) == meant)?,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meant(name: &str) -> Option<&'static str> {
        let message = json!({"hub.mode": "subscribe", name: "x"});
        let found = misnamed_parameters(MessageKind::SubscriptionRequest, &message);
        found.first().map(|found| found.meant)
    }

    #[test]
    fn what_is_near_a_parameter_is_told_with_it() {
        for (name, expected) in [
            ("hub.lease", "hub.lease_seconds"),
            ("hub.leaseSeconds", "hub.lease_seconds"),
            ("hub.event", "hub.events"),
            ("Hub.Topic", "hub.topic"),
            ("topic", "hub.topic"),
            ("subscriberName", "subscriber.name"),
        ] {
            assert_eq!(meant(name), Some(expected), "{name}");
        }
    }

    #[test]
    fn parameters_of_all_versions_and_ones_own_are_lawful() {
        for name in [
            "hub.callback",
            "hub.secret",
            "hub.challenge",
            "hub.uid",
            "com.example.desk",
            "hub.topic",
        ] {
            assert_eq!(meant(name), None, "{name}");
        }
        let event = json!({"event": {}, "hub.lease": 1});
        assert_eq!(misnamed_parameters(MessageKind::Notification, &event), []);
    }
}
