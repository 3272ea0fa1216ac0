//! How long to wait for what does not come: once it was seen not to come, later scenarios do not wait the whole bound again.
//!
//! A wait is never shortened below twice the slowest answer that was seen, and a shortened wait alone fails no hub.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// No wait is shorter: a busy machine must not make a silence of a late message.
const LEAST: Duration = Duration::from_millis(300);

/// What all scenarios of a run have learnt about waiting.
#[derive(Debug, Default)]
pub struct Patience(Mutex<Learnt>);

#[derive(Debug, Default)]
struct Learnt {
    slowest: Duration,
    /// What was waited for in vain, and the scenario that did.
    missed: BTreeMap<String, String>,
}

/// A bound on a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// When the wait ends.
    pub until: Instant,
    /// The scenario that waited the whole bound for the same in vain, where this wait is shortened.
    pub in_vain_before: Option<String>,
}

impl Patience {
    /// An answer, or a message that was waited for, took so long.
    pub fn answered_after(&self, took: Duration) {
        let mut learnt = self.learnt();
        learnt.slowest = learnt.slowest.max(took);
    }

    /// This did not come within the whole bound, in this scenario.
    pub fn missed(&self, what: &str, scenario: &str) {
        self.learnt()
            .missed
            .entry(what.to_owned())
            .or_insert_with(|| scenario.to_owned());
    }

    /// The wait for this from now on: the whole one, or a shorter one where it was waited for in vain before. `quiet` is how
    /// long a silence of this hub must last at least.
    pub fn wait(&self, what: &str, now: Instant, whole: Instant, quiet: Duration) -> Wait {
        let learnt = self.learnt();
        let Some(before) = learnt.missed.get(what) else {
            return Wait {
                until: whole,
                in_vain_before: None,
            };
        };
        let short = now + (learnt.slowest * 2).max(quiet).max(LEAST);
        if short >= whole {
            return Wait {
                until: whole,
                in_vain_before: None,
            };
        }
        Wait {
            until: short,
            in_vain_before: Some(before.clone()),
        }
    }

    fn learnt(&self) -> MutexGuard<'_, Learnt> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_millis(400);
    const WHOLE: Duration = Duration::from_secs(5);

    fn length(patience: &Patience, what: &str) -> (Duration, Option<String>) {
        let now = Instant::now();
        let wait = patience.wait(what, now, now + WHOLE, QUIET);
        (wait.until - now, wait.in_vain_before)
    }

    #[test]
    fn what_was_never_missed_is_waited_for_in_full() {
        let patience = Patience::default();
        patience.missed("a denial", "denial/one");
        assert_eq!(length(&patience, "a close"), (WHOLE, None));
    }

    #[test]
    fn what_was_missed_is_waited_for_as_long_as_a_silence_lasts() {
        let patience = Patience::default();
        patience.missed("a denial", "denial/one");
        patience.missed("a denial", "denial/two");
        assert_eq!(
            length(&patience, "a denial"),
            (QUIET, Some("denial/one".to_owned()))
        );
    }

    #[test]
    fn a_wait_is_never_shorter_than_twice_the_slowest_answer() {
        let patience = Patience::default();
        patience.missed("a denial", "denial/one");
        patience.answered_after(Duration::from_millis(1_200));
        patience.answered_after(Duration::from_millis(3));
        assert_eq!(length(&patience, "a denial").0, Duration::from_millis(2_400));
    }

    #[test]
    fn a_slow_hub_is_waited_for_in_full() {
        let patience = Patience::default();
        patience.missed("a denial", "denial/one");
        patience.answered_after(Duration::from_secs(3));
        assert_eq!(length(&patience, "a denial"), (WHOLE, None));
    }
}
