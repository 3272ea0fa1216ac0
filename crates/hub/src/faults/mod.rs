//! Fault injection between the hub and its subscribers, by rules: deliveries that are lost, late, doubled, out of order or
//! corrupt, and connections that break.
//!
//! Nothing here waits, reads a clock or opens a socket: [`FaultRules`] decide what happens to a delivery, a [`DelayQueue`] keeps
//! what waits, and the server carries it out. The sessions know nothing of it.

mod delay_queue;
mod rule;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

pub use self::delay_queue::DelayQueue;
pub use self::rule::{Corruption, Delivery, DeliveryKind, Fault, Filter, Receiver, Rule, check_close};

/// The number of rules that may be in force at once.
const MAX_RULES: usize = 1_000;

/// A rule in force; its number is never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct RuleId(pub u64);

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A rule cannot be put in force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {problem}")]
pub struct RuleError {
    /// The place in the rule, as a JSON pointer.
    pub pointer: &'static str,
    /// The mistake there.
    pub problem: String,
}

/// The thing to do with a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It leaves.
    Send,
    /// It never leaves.
    Drop,
    /// It leaves after this time.
    Delay(Duration),
    /// It leaves so many times more.
    Duplicate(u8),
    /// It waits with others, so many in all, to leave in the opposite order.
    Reorder {
        /// The rule for which it waits.
        rule: RuleId,
        /// The number of deliveries.
        of: u8,
    },
    /// It waits until this rule lets it go.
    Hold(RuleId),
    /// It leaves with this text.
    Rewrite(String),
    /// The socket is closed in its place.
    Close {
        /// The close code.
        code: u16,
        /// The close reason.
        reason: String,
    },
    /// The connection is cut in its place.
    Cut,
}

/// A rule in force, and how often it applied.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveRule {
    /// Its number.
    pub id: RuleId,
    /// The rule itself.
    pub rule: Rule,
    /// The number of deliveries that it was about.
    pub met: u64,
    /// The number of those to which its fault happened.
    pub done: u64,
}

#[derive(Debug, Default)]
struct Rules {
    rules: Vec<ActiveRule>,
    given: u64,
}

/// The rules in force, for all topics of a hub. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct FaultRules {
    rules: Arc<Mutex<Rules>>,
    any: Arc<AtomicBool>,
}

impl FaultRules {
    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// The rules, in the order in which they are asked.
    pub fn list(&self) -> Vec<ActiveRule> {
        self.lock().rules.clone()
    }

    /// Puts a rule in force, behind those that are. Of the rules that are about a delivery, the first that has not done its
    /// part yet happens to it.
    ///
    /// # Errors
    /// When the rule cannot be carried out, or there are as many rules as there may be.
    pub fn add(&self, rule: Rule) -> Result<RuleId, RuleError> {
        let refuse = |(pointer, problem)| RuleError { pointer, problem };
        rule.fault.check().map_err(refuse)?;
        let mut rules = self.lock();
        if rules.rules.len() >= MAX_RULES {
            return Err(refuse((
                "",
                format!("{MAX_RULES} rules are in force, which is the limit; remove some"),
            )));
        }
        rules.given += 1;
        let id = RuleId(rules.given);
        rules.rules.push(ActiveRule {
            id,
            rule,
            met: 0,
            done: 0,
        });
        self.any.store(true, Ordering::Release);
        Ok(id)
    }

    /// Removes a rule; `false` where there is none of this number. The messages that it holds back are still to be released.
    pub fn remove(&self, id: RuleId) -> bool {
        let mut rules = self.lock();
        let before = rules.rules.len();
        rules.rules.retain(|active| active.id != id);
        self.any.store(!rules.rules.is_empty(), Ordering::Release);
        rules.rules.len() < before
    }

    /// The thing to do with this delivery.
    pub fn decide(&self, delivery: &Delivery<'_>) -> Action {
        let mut rules = self.lock();
        let (kind, event) = read(delivery);
        for active in &mut rules.rules {
            if !active.rule.to.fits(delivery, kind, event.as_deref()) {
                continue;
            }
            active.met += 1;
            if active.met <= active.rule.skip || active.rule.times.is_some_and(|times| active.done >= times) {
                continue;
            }
            active.done += 1;
            return action(active.id, &active.rule.fault, delivery.text);
        }
        Action::Send
    }
}

fn action(rule: RuleId, fault: &Fault, text: &str) -> Action {
    match fault {
        Fault::Drop => Action::Drop,
        Fault::Delay { ms } => Action::Delay(Duration::from_millis(*ms)),
        Fault::Duplicate { copies } => Action::Duplicate(*copies),
        Fault::Reorder { of } => Action::Reorder { rule, of: *of },
        Fault::Hold => Action::Hold(rule),
        Fault::Corrupt(corruption) => Action::Rewrite(corruption.corrupt(text)),
        Fault::Close { code, reason } => Action::Close {
            code: *code,
            reason: reason.clone(),
        },
        Fault::Cut => Action::Cut,
    }
}

/// The kind of the delivery, by its text where that tells more, and the name of its event.
fn read(delivery: &Delivery<'_>) -> (DeliveryKind, Option<String>) {
    let Ok(message) = serde_json::from_str::<Value>(delivery.text) else {
        return (delivery.kind, None);
    };
    let event = message.pointer("/event/hub.event").and_then(Value::as_str);
    let kind = match message.get("hub.mode").and_then(Value::as_str) {
        Some("subscribe") => DeliveryKind::Confirmation,
        Some("denied") => DeliveryKind::Denial,
        _ => delivery.kind,
    };
    (kind, event.map(str::to_owned))
}
