//! A fault rule: which deliveries it is about, how many of them, and what happens to them.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::session::SubscriberId;

/// A fault that happens to some deliveries on their way. Its JSON is described in `docs/control.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The fault.
    #[serde(rename = "do")]
    pub fault: Fault,
    /// The deliveries that it is about; all of them where nothing is said.
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub to: Filter,
    /// The number of those that pass before it begins.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u64,
    /// The number of those to which it happens; all where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A fault of a delivery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// It never leaves the hub, which believes that it did.
    Drop,
    /// It leaves later. What the rule does not touch overtakes it; what the rule delays as long stays behind it.
    Delay {
        /// Milliseconds.
        ms: u64,
    },
    /// It leaves several times.
    Duplicate {
        /// The number of further times.
        #[serde(default = "one")]
        copies: u8,
    },
    /// It waits until so many have come for the same subscriber; then they leave, the last one first.
    Reorder {
        /// The number of deliveries.
        #[serde(default = "two")]
        of: u8,
    },
    /// It waits until the rule is released or removed.
    Hold,
    /// It leaves with another text.
    Corrupt(Corruption),
    /// It does not leave: the WebSocket is closed in its place. A callback has none; for it, it is dropped.
    Close {
        /// The close code.
        #[serde(default = "normal_closure")]
        code: u16,
        /// The close reason, at most 123 bytes.
        #[serde(default)]
        reason: String,
    },
    /// It does not leave: the connection of the WebSocket is cut, without a close frame. A callback has none; for it, it is
    /// dropped.
    Cut,
}

fn one() -> u8 {
    1
}

fn two() -> u8 {
    2
}

fn normal_closure() -> u16 {
    1000
}

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Corruption {
    /// It is changed by a JSON Patch (RFC 6902). Where the patch does not fit, the text stays.
    Patch(json_patch::Patch),
    /// Only its first bytes are left, to the end of a character.
    Truncate {
        /// The number of bytes.
        bytes: usize,
    },
    /// It is another one.
    Text(String),
}

/// The deliveries that a rule is about: those that agree with everything that it says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// The topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// The subscriber, by its number or its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscriber: Option<Receiver>,
    /// The event's name, in any case of letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The kind of message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<DeliveryKind>,
}

impl Filter {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is about this delivery.
    pub(super) fn fits(&self, delivery: &Delivery<'_>, kind: DeliveryKind, event: Option<&str>) -> bool {
        let receiver = |receiver: &Receiver| match receiver {
            Receiver::Number(number) => delivery
                .subscriber
                .is_some_and(|subscriber| subscriber.number() == *number),
            Receiver::Name(name) => delivery.name == Some(name.as_str()),
        };
        let named = |wanted: &String| event.is_some_and(|event| event.eq_ignore_ascii_case(wanted));
        self.topic.as_deref().is_none_or(|topic| topic == delivery.topic)
            && self.subscriber.as_ref().is_none_or(receiver)
            && self.event.as_ref().is_none_or(named)
            && self.message.is_none_or(|message| message == kind)
    }
}

/// A subscriber.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Receiver {
    /// By its number within its topic.
    Number(u64),
    /// By its `subscriber.name`.
    Name(String),
}

/// The kind of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// An event.
    Notification,
    /// The confirmation of a subscription, over its WebSocket.
    Confirmation,
    /// The denial of a subscription, or its end.
    Denial,
    /// The question to a callback whether its subscription was meant.
    Verification,
}

/// A delivery that is about to leave.
#[derive(Debug, Clone, Copy)]
pub struct Delivery<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its receiver, where that is subscribed already.
    pub subscriber: Option<SubscriberId>,
    /// The receiver's `subscriber.name`.
    pub name: Option<&'a str>,
    /// Its kind.
    pub kind: DeliveryKind,
    /// Its text, where it has one.
    pub text: &'a str,
}

impl Corruption {
    /// The text after it.
    pub(super) fn corrupt(&self, text: &str) -> String {
        match self {
            Self::Patch(patch) => {
                let value = serde_json::from_str::<Value>(text).ok();
                let patched = value.and_then(|value| patched(value, patch));
                patched.map_or_else(|| text.to_owned(), |value| value.to_string())
            }
            Self::Truncate { bytes } => {
                let end = text.floor_char_boundary(*bytes);
                text.get(..end).unwrap_or_default().to_owned()
            }
            Self::Text(text) => text.clone(),
        }
    }
}

/// The value after the patch; `None` where the patch does not fit, or makes more of the value than may leave.
fn patched(mut value: Value, patch: &json_patch::Patch) -> Option<Value> {
    // One operation after the other: each copy may double what there is.
    for operation in &patch.0 {
        json_patch::patch(&mut value, std::slice::from_ref(operation)).ok()?;
        let mut left = LARGEST_TEXT;
        let is_short = || serde_json::to_string(&value).is_ok_and(|text| text.len() <= LARGEST_TEXT);
        if !fits(&value, &mut left, DEEPEST) || !is_short() {
            return None;
        }
    }
    Some(value)
}

/// Whether a value is no deeper than this and takes no more bytes than are left.
fn fits(value: &Value, left: &mut usize, depth: usize) -> bool {
    let mut take = |bytes: usize| match left.checked_sub(bytes) {
        Some(rest) => {
            *left = rest;
            true
        }
        None => false,
    };
    match value {
        Value::String(text) => take(text.len() + 2),
        Value::Array(items) => {
            take(items.len() + 2) && depth > 0 && items.iter().all(|item| fits(item, left, depth - 1))
        }
        Value::Object(members) => {
            take(2)
                && depth > 0
                && members.iter().all(|(name, member)| {
                    let bytes = name.len() + 4;
                    let rest = left.checked_sub(bytes);
                    *left = rest.unwrap_or_default();
                    rest.is_some() && fits(member, left, depth - 1)
                })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => take(4),
    }
}

impl Fault {
    /// Refuses values that cannot be carried out, with the JSON pointer within the rule and the reason.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        match self {
            Self::Delay { ms } if Duration::from_millis(*ms) > MAX_DELAY => {
                Err(("/do/delay/ms", "must be at most an hour, 3600000".to_owned()))
            }
            Self::Duplicate { copies: 0 } => Err(("/do/duplicate/copies", "must be at least 1".to_owned())),
            Self::Corrupt(Corruption::Patch(patch)) if patch.0.len() > MAX_OPERATIONS => Err((
                "/do/corrupt/patch",
                format!("has {} operations, and may have {MAX_OPERATIONS}", patch.0.len()),
            )),
            Self::Corrupt(Corruption::Text(text)) if text.len() > LARGEST_TEXT => Err((
                "/do/corrupt/text",
                format!("has {} bytes, and may have {LARGEST_TEXT}", text.len()),
            )),
            Self::Reorder { of: 0 | 1 } => Err(("/do/reorder/of", "must be at least 2".to_owned())),
            Self::Close { code, reason } => {
                check_close(*code, reason).map_err(|problem| match problem.starts_with("the reason") {
                    true => ("/do/close/reason", problem),
                    false => ("/do/close/code", problem),
                })
            }
            _ => Ok(()),
        }
    }
}

/// The longest time that a delivery can be delayed.
const MAX_DELAY: Duration = Duration::from_secs(3_600);
/// The most operations of a JSON Patch.
const MAX_OPERATIONS: usize = 100;
/// The largest text that a rule may make of a delivery, in bytes: some times what a hub takes from a publisher.
const LARGEST_TEXT: usize = 4 << 20;
/// How deep objects and arrays may lie in each other in such a text: as deep as readers of JSON go.
const DEEPEST: usize = 127;

/// Whether a close frame can have this code and this reason (RFC 6455, 5.5 and 7.4).
///
/// # Errors
/// When it cannot: why.
pub fn check_close(code: u16, reason: &str) -> Result<(), String> {
    if !(1000..5000).contains(&code) || matches!(code, 1004 | 1005 | 1006 | 1015) {
        return Err(format!(
            "the code {code} cannot stand in a close frame: 1000 to 4999 can, but for 1004, 1005, 1006 and 1015"
        ));
    }
    if reason.len() > 123 {
        return Err(format!(
            "the reason has {} bytes, and a close frame holds 123",
            reason.len()
        ));
    }
    Ok(())
}
