//! What the hub decides where the specification decides for it, and a defect decides otherwise.

mod answers;
mod authorization;
mod callbacks;
mod contexts;
mod notifications;
mod subscriptions;

use std::collections::BTreeSet;

use serde_json::Value;
use serde_json::value::RawValue;

use super::Defect;
use crate::protocol::{Notification, Timestamp};

/// The hub's conduct: that of the specification but for its defects.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    defects: BTreeSet<Defect>,
}

fn without(mut object: Value, member: &str) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.shift_remove(member);
    }
    object
}

fn with(mut object: Value, member: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(member.to_owned(), value.into());
    }
    object
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_default()
}

impl Behaviour {
    /// The conduct of a hub with these defects.
    pub fn new(defects: &[Defect]) -> Self {
        Self {
            defects: defects.iter().copied().collect(),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defects.contains(&defect)
    }

    fn is_clean(&self) -> bool {
        self.defects.is_empty()
    }
}

fn set_timestamp(notification: &mut Notification, timestamp: &Timestamp) {
    notification.timestamp = timestamp.clone();
    notification.members().set_text("timestamp", timestamp.as_str());
}
