//! Trouble on the way from the hub to its subscribers, staged by rules: deliveries that are lost, late, doubled, in disorder or
//! corrupt, and connections that break.
//!
//! Nothing here waits, reads a clock or opens a socket: [`Troubles`] says what happens to a delivery, a [`Detention`] keeps what
//! waits, and the shell does what they say. The sessions know nothing of it.

mod detention;
mod rule;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

pub use self::detention::Detention;
pub use self::rule::{Act, Corruption, Filter, Kind, Passing, Rule, Whom, check_close};

/// How many rules there may be at once.
const MOST_RULES: usize = 1_000;

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
    /// What is wrong there.
    pub problem: String,
}

/// What happens to a delivery.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It leaves.
    Pass,
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
        /// How many.
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

/// A rule in force, and what it has done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InForce {
    /// Its number.
    pub id: RuleId,
    /// What it says.
    pub rule: Rule,
    /// How many deliveries it was about.
    pub met: u64,
    /// To how many of them it happened.
    pub done: u64,
}

#[derive(Debug, Default)]
struct Rules {
    rules: Vec<InForce>,
    given: u64,
}

/// The rules in force, for all topics of a hub. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct Troubles {
    rules: Arc<Mutex<Rules>>,
    any: Arc<AtomicBool>,
}

impl Troubles {
    fn lock(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are no rules.
    pub fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// The rules, in the order in which they are asked.
    pub fn list(&self) -> Vec<InForce> {
        self.lock().rules.clone()
    }

    /// Puts a rule in force, behind those that are. Of the rules that are about a delivery, the first that has not done its
    /// part yet happens to it.
    ///
    /// # Errors
    /// When the rule cannot be carried out, or there are as many rules as there may be.
    pub fn add(&self, rule: Rule) -> Result<RuleId, RuleError> {
        let refuse = |(pointer, problem)| RuleError { pointer, problem };
        rule.act.check().map_err(refuse)?;
        let mut rules = self.lock();
        if rules.rules.len() >= MOST_RULES {
            return Err(refuse((
                "",
                format!("{MOST_RULES} rules are in force, which is the limit; remove some"),
            )));
        }
        rules.given += 1;
        let id = RuleId(rules.given);
        rules.rules.push(InForce {
            id,
            rule,
            met: 0,
            done: 0,
        });
        self.any.store(true, Ordering::Release);
        Ok(id)
    }

    /// Removes a rule; `false` where there is none of this number. What it holds back is still to be released.
    pub fn remove(&self, id: RuleId) -> bool {
        let mut rules = self.lock();
        let before = rules.rules.len();
        rules.rules.retain(|own| own.id != id);
        self.any.store(!rules.rules.is_empty(), Ordering::Release);
        rules.rules.len() < before
    }

    /// What happens to this delivery.
    pub fn meet(&self, passing: &Passing<'_>) -> Fate {
        let mut rules = self.lock();
        let (kind, event) = read(passing);
        for own in &mut rules.rules {
            if !own.rule.to.fits(passing, kind, event.as_deref()) {
                continue;
            }
            own.met += 1;
            if own.met <= own.rule.skip || own.rule.times.is_some_and(|times| own.done >= times) {
                continue;
            }
            own.done += 1;
            return fate(own.id, &own.rule.act, passing.text);
        }
        Fate::Pass
    }
}

fn fate(rule: RuleId, act: &Act, text: &str) -> Fate {
    match act {
        Act::Drop => Fate::Drop,
        Act::Delay { ms } => Fate::Delay(Duration::from_millis(*ms)),
        Act::Duplicate { copies } => Fate::Duplicate(*copies),
        Act::Reorder { of } => Fate::Reorder { rule, of: *of },
        Act::Hold => Fate::Hold(rule),
        Act::Corrupt(corruption) => Fate::Rewrite(corruption.corrupt(text)),
        Act::Close { code, reason } => Fate::Close {
            code: *code,
            reason: reason.clone(),
        },
        Act::Cut => Fate::Cut,
    }
}

/// What the delivery is, by its text where that tells more, and the name of its event.
fn read(passing: &Passing<'_>) -> (Kind, Option<String>) {
    let Ok(message) = serde_json::from_str::<Value>(passing.text) else {
        return (passing.kind, None);
    };
    let event = message.pointer("/event/hub.event").and_then(Value::as_str);
    let kind = match message.get("hub.mode").and_then(Value::as_str) {
        Some("subscribe") => Kind::Confirmation,
        Some("denied") => Kind::Denial,
        _ => passing.kind,
    };
    (kind, event.map(str::to_owned))
}
