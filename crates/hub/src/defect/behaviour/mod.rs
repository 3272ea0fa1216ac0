//! The decisions of the hub, as the specification makes them and as each defect makes them.

mod alterations;
mod answers;
mod authorization;
mod callbacks;
mod contexts;
mod identity;
mod notifications;
mod subscriptions;

pub use notifications::Malformed;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use serde_json::value::RawValue;

use super::Defect;
use crate::protocol::{Notification, Timestamp};

/// As many as hold a switch for each defect.
const WORDS: usize = Defect::all().len().div_ceil(64);

/// The hub's behaviour: that of the specification but for its defects. Clones are one: a defect that is switched on in one of
/// them is on in all.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    switches: Arc<[AtomicU64; WORDS]>,
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
    /// The behaviour of a hub with these defects.
    pub fn new(defects: &[Defect]) -> Self {
        let behaviour = Self::default();
        for defect in defects {
            behaviour.switch(*defect, true);
        }
        behaviour
    }

    /// Switches a defect on or off. What it has decided already, such as an endpoint, stays decided.
    pub fn switch(&self, defect: Defect, on: bool) {
        let (word, bit) = self.place(defect);
        match on {
            true => word.fetch_or(bit, Ordering::Relaxed),
            false => word.fetch_and(!bit, Ordering::Relaxed),
        };
    }

    /// The defects that are on.
    pub fn defects(&self) -> Vec<Defect> {
        let on = |defect: &&Defect| self.has(**defect);
        Defect::all().iter().filter(on).copied().collect()
    }

    fn place(&self, defect: Defect) -> (&AtomicU64, u64) {
        let number = defect as usize;
        // There are as many words as the defects need.
        (&self.switches[number / 64], 1 << (number % 64))
    }

    fn has(&self, defect: Defect) -> bool {
        let (word, bit) = self.place(defect);
        word.load(Ordering::Relaxed) & bit != 0
    }

    fn is_clean(&self) -> bool {
        self.switches.iter().all(|word| word.load(Ordering::Relaxed) == 0)
    }
}

fn set_timestamp(notification: &mut Notification, timestamp: &Timestamp) {
    notification.timestamp = timestamp.clone();
    notification.members().set_text("timestamp", timestamp.as_str());
}
