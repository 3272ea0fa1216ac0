//! Subscribing: the request as a form, the hub's answer, the confirmation and the denial (2.4).

use std::collections::HashSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::event_name::{EventName, EventNameError};
use super::form_parameters::{FormParameters, MOST_EVENTS};

/// The only channel type of STU3.
pub const WEBSOCKET: &str = "websocket";

/// `hub.mode` of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// `subscribe`.
    Subscribe,
    /// `unsubscribe`.
    Unsubscribe,
}

impl Mode {
    /// The literal of the form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

/// Which parameter of a form broke which rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A required parameter is not there.
    #[error("{parameter} is required and is missing ({section})")]
    Missing {
        /// The parameter.
        parameter: &'static str,
        /// The section of the specification.
        section: &'static str,
    },
    /// A parameter stands more than once.
    #[error("{parameter} appears {count} times; each parameter may appear at most once ({section})")]
    Repeated {
        /// The parameter.
        parameter: String,
        /// How often.
        count: usize,
        /// The section of the specification.
        section: &'static str,
    },
    /// There is more of something than a request can need.
    #[error("{place}: there are {count} {what}, and at most {most} are read; ask for less")]
    TooMany {
        /// Where.
        place: &'static str,
        /// What there is too much of.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// How many are read.
        most: usize,
    },
    /// A parameter's value is not allowed.
    #[error("{parameter} {rule}, and is '{value}' ({section})")]
    Invalid {
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: String,
        /// The rule that it breaks.
        rule: String,
        /// The section of the specification.
        section: &'static str,
    },
}

const REQUEST: &str = "FHIRcast STU3, 2.4 Subscription Request";
const UNSUBSCRIBE: &str = "FHIRcast STU3, 2.4 Unsubscribe Request";

/// A subscription or unsubscribe request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionRequest {
    /// `hub.channel.type`; hubs should refuse a request without it.
    pub channel_type: Option<String>,
    /// `hub.mode`.
    pub mode: Mode,
    /// `hub.topic`: the session.
    pub topic: String,
    /// `hub.events`; absent in an unsubscribe.
    pub events: Option<Vec<EventName>>,
    /// `hub.lease_seconds` that the subscriber would like, in seconds.
    pub lease_seconds: Option<u64>,
    /// `hub.channel.endpoint`: the existing subscription that is meant.
    pub endpoint: Option<String>,
    /// `subscriber.name`, for SyncErrors about this subscriber.
    pub subscriber_name: Option<String>,
    /// Parameters that castspec does not know, in their order.
    pub other: Vec<(String, String)>,
}

impl SubscriptionRequest {
    /// A request for a new WebSocket subscription.
    pub fn subscribe(topic: &str, events: Vec<EventName>) -> Self {
        Self {
            channel_type: Some(WEBSOCKET.to_owned()),
            mode: Mode::Subscribe,
            topic: topic.to_owned(),
            events: Some(events),
            lease_seconds: None,
            endpoint: None,
            subscriber_name: None,
            other: Vec::new(),
        }
    }

    /// A request to end the subscription with this endpoint.
    pub fn unsubscribe(topic: &str, endpoint: &str) -> Self {
        Self {
            channel_type: Some(WEBSOCKET.to_owned()),
            mode: Mode::Unsubscribe,
            topic: topic.to_owned(),
            events: None,
            lease_seconds: None,
            endpoint: Some(endpoint.to_owned()),
            subscriber_name: None,
            other: Vec::new(),
        }
    }

    /// Reads the body of a request (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// When a parameter is missing, stands twice, or has a value that the specification does not allow. The order in
    /// which rules are tried is that of the specification's table.
    pub fn from_form(body: &[u8]) -> Result<Self, FormError> {
        let mut channel_type = None;
        let mut mode = None;
        let mut topic = None;
        let mut events = None;
        let mut lease = None;
        let mut endpoint = None;
        let mut subscriber_name = None;
        let mut other = Vec::new();
        let parameters = FormParameters::read(body)?;
        parameters.check_each_stands_once(REQUEST)?;
        for (name, value) in parameters.into_pairs() {
            let slot = match name.as_str() {
                "hub.channel.type" => &mut channel_type,
                "hub.mode" => &mut mode,
                "hub.topic" => &mut topic,
                "hub.events" => &mut events,
                "hub.lease_seconds" => &mut lease,
                "hub.channel.endpoint" => &mut endpoint,
                "subscriber.name" => &mut subscriber_name,
                _ => {
                    other.push((name, value));
                    continue;
                }
            };
            *slot = Some(value);
        }
        let missing = |parameter| FormError::Missing {
            parameter,
            section: REQUEST,
        };
        let mode = match mode.as_deref() {
            Some("subscribe") => Mode::Subscribe,
            Some("unsubscribe") => Mode::Unsubscribe,
            Some(value) => {
                return Err(FormError::Invalid {
                    parameter: "hub.mode",
                    value: value.to_owned(),
                    rule: "must be the literal 'subscribe' or 'unsubscribe'".to_owned(),
                    section: REQUEST,
                });
            }
            None => return Err(missing("hub.mode")),
        };
        let topic = topic
            .filter(|text| !text.is_empty())
            .ok_or_else(|| missing("hub.topic"))?;
        if let Some(text) = &events {
            check_number_of_events(text)?;
        }
        let events = events
            .map(|text| {
                parse_events(&text).map_err(|error| FormError::Invalid {
                    parameter: "hub.events",
                    value: text,
                    rule: format!("must be a comma-separated list of event names ({error})"),
                    section: REQUEST,
                })
            })
            .transpose()?;
        let lease_seconds = lease
            .map(|text| match text.parse::<u64>() {
                Ok(seconds) if seconds > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(seconds),
                _ => Err(FormError::Invalid {
                    parameter: "hub.lease_seconds",
                    value: text,
                    rule: "must be a positive decimal integer".to_owned(),
                    section: REQUEST,
                }),
            })
            .transpose()?;
        // The specification's own example ends in an encoded line feed (ambiguities, 24).
        let endpoint = endpoint
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty());
        if mode == Mode::Unsubscribe && endpoint.is_none() {
            return Err(FormError::Missing {
                parameter: "hub.channel.endpoint",
                section: UNSUBSCRIBE,
            });
        }
        Ok(Self {
            channel_type,
            mode,
            topic,
            events,
            lease_seconds,
            endpoint,
            subscriber_name,
            other,
        })
    }

    /// The request as name and value pairs, in the order of the specification's table.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let mut pairs = Vec::new();
        let mut push = |name: &str, value: String| pairs.push((name.to_owned(), value));
        if let Some(channel_type) = &self.channel_type {
            push("hub.channel.type", channel_type.clone());
        }
        push("hub.mode", self.mode.as_str().to_owned());
        push("hub.topic", self.topic.clone());
        if let Some(events) = &self.events {
            push("hub.events", join_events(events));
        }
        if let Some(lease) = self.lease_seconds {
            push("hub.lease_seconds", lease.to_string());
        }
        if let Some(endpoint) = &self.endpoint {
            push("hub.channel.endpoint", endpoint.clone());
        }
        if let Some(name) = &self.subscriber_name {
            push("subscriber.name", name.clone());
        }
        pairs.extend(self.other.iter().cloned());
        pairs
    }

    /// The request as a form.
    pub fn to_form(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.to_pairs())
            .finish()
    }
}

/// Reads a comma-separated list of events; it is a set, so repeated names count once.
///
/// # Errors
/// When the list or one of its names is empty, or a name cannot be one.
pub fn parse_events(text: &str) -> Result<Vec<EventName>, EventNameError> {
    let mut events: Vec<EventName> = Vec::new();
    let mut known = HashSet::new();
    for name in text.split(',') {
        let event: EventName = name.trim().parse()?;
        if known.insert(event.clone()) {
            events.push(event);
        }
    }
    Ok(events)
}

/// Whether a list of events, as a request has it, can be meant: every event of every resource type fits into the limit.
///
/// # Errors
/// When there are more.
pub fn check_number_of_events(list: &str) -> Result<(), FormError> {
    let count = list.split(',').count();
    if count <= MOST_EVENTS {
        return Ok(());
    }
    Err(FormError::TooMany {
        place: "hub.events",
        what: "names of events",
        count,
        most: MOST_EVENTS,
    })
}

/// Writes events as the comma-separated list of `hub.events`.
pub fn join_events(events: &[EventName]) -> String {
    events.iter().map(EventName::as_str).collect::<Vec<_>>().join(",")
}

/// The body of the 202 that answers a subscription or unsubscribe request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SubscriptionResponse {
    /// The WebSocket of this subscription.
    #[serde(rename = "hub.channel.endpoint")]
    pub endpoint: String,
    /// Members that castspec does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The first message over the WebSocket: the subscription is active.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confirmation {
    /// `subscribe`.
    #[serde(rename = "hub.mode")]
    pub mode: String,
    /// The session.
    #[serde(rename = "hub.topic")]
    pub topic: String,
    /// The granted events, comma-separated.
    #[serde(rename = "hub.events")]
    pub events: String,
    /// Seconds until the subscription ends.
    #[serde(rename = "hub.lease_seconds")]
    pub lease_seconds: u64,
    /// Members that castspec does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Confirmation {
    /// A confirmation of these events.
    pub fn new(topic: &str, events: &[EventName], lease_seconds: u64) -> Self {
        Self {
            mode: Mode::Subscribe.as_str().to_owned(),
            topic: topic.to_owned(),
            events: join_events(events),
            lease_seconds,
            other: Map::new(),
        }
    }
}

/// The subscription has ended or never began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Denial {
    /// `denied`.
    #[serde(rename = "hub.mode")]
    pub mode: String,
    /// The session.
    #[serde(rename = "hub.topic")]
    pub topic: String,
    /// The denied events, comma-separated.
    #[serde(rename = "hub.events")]
    pub events: String,
    /// Why, for people.
    #[serde(rename = "hub.reason", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Members that castspec does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Denial {
    /// A denial of these events.
    pub fn new(topic: &str, events: &[EventName], reason: impl fmt::Display) -> Self {
        Self {
            mode: "denied".to_owned(),
            topic: topic.to_owned(),
            events: join_events(events),
            reason: Some(reason.to_string()),
            other: Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let mut request = SubscriptionRequest::subscribe("t 1&", vec!["Patient-open".parse().unwrap()]);
        request.lease_seconds = Some(60);
        request.subscriber_name = Some("Viewer & Co".to_owned());
        request.other.push(("x".to_owned(), "ü".to_owned()));
        assert_eq!(
            SubscriptionRequest::from_form(request.to_form().as_bytes()).unwrap(),
            request
        );
        let request = SubscriptionRequest::unsubscribe("t", "wss://h/1");
        assert_eq!(
            SubscriptionRequest::from_form(request.to_form().as_bytes()).unwrap(),
            request
        );
    }

    #[test]
    fn only_so_many_events_are_read_and_all_that_there_are_fit() {
        let form = |count: usize| {
            let events: Vec<_> = (0..count)
                .map(|number| format!("org.example.e{number}"))
                .collect();
            format!(
                "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=t&hub.events={}",
                events.join(",")
            )
        };
        let read = |count| SubscriptionRequest::from_form(form(count).as_bytes());
        assert_eq!(read(MOST_EVENTS).unwrap().events.unwrap().len(), MOST_EVENTS);
        let error = read(60_000).unwrap_err().to_string();
        assert!(error.starts_with("hub.events: there are 60000 names"), "{error}");
    }

    #[test]
    fn events_are_a_set() {
        let events = parse_events("Patient-open, patient-OPEN,Patient-close").unwrap();
        assert_eq!(join_events(&events), "Patient-open,Patient-close");
    }

    #[test]
    fn the_broken_rule_is_named() {
        let valid = "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=t&hub.events=Patient-open";
        for (form, says) in [
            ("", "hub.mode is required"),
            ("hub.mode=Subscribe", "hub.mode must be the literal"),
            ("hub.mode=subscribe", "hub.topic is required"),
            (
                "hub.mode=unsubscribe&hub.topic=t",
                "hub.channel.endpoint is required",
            ),
            ("hub.mode=subscribe&hub.topic=t&hub.events=", "hub.events must be"),
            ("hub.mode=subscribe&hub.topic=t&hub.events=*", "wildcard"),
            (
                &format!("{valid}&hub.lease_seconds=-1"),
                "hub.lease_seconds must be",
            ),
            (
                &format!("{valid}&hub.lease_seconds=0"),
                "hub.lease_seconds must be",
            ),
            (
                &format!("{valid}&hub.lease_seconds=1.5"),
                "hub.lease_seconds must be",
            ),
            (&format!("{valid}&hub.topic=u"), "hub.topic appears 2 times"),
        ] {
            let error = SubscriptionRequest::from_form(form.as_bytes())
                .unwrap_err()
                .to_string();
            assert!(error.contains(says), "{form}: {error}");
        }
    }

    #[test]
    fn unknown_members_survive() {
        let text = r#"{"hub.mode":"denied","hub.topic":"t","hub.events":"Patient-open","hub.reason":"r","x":{"y":1}}"#;
        let denial: Denial = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&denial).unwrap(), text);
    }
}
