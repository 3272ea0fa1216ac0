//! Readings that are left where a scenario saw nothing else: told only where the whole run saw nothing else.
//!
//! That something was not seen in one scenario is weak evidence: another may have seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// The readings that are left, by subject; the first of a subject counts.
#[derive(Debug, Default)]
pub struct RemainingReadings(Mutex<BTreeMap<String, String>>);

impl RemainingReadings {
    /// A scenario saw nothing of the other readings of this subject.
    pub fn note(&self, subject: &str, reading: &str) {
        let mut readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = readings
            .entry(subject.to_owned())
            .or_insert_with(|| reading.to_owned());
        // Whatever the order of the scenarios.
        if reading < kept.as_str() {
            reading.clone_into(kept);
        }
    }

    /// Those of subjects of which nothing else was seen, as subject and reading.
    pub fn beside(&self, seen: &BTreeSet<String>) -> Vec<(String, String)> {
        let readings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = readings.iter().filter(|(subject, _)| !seen.contains(*subject));
        left.map(|(subject, reading)| (subject.clone(), reading.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_somewhere_outweighs_what_was_not_seen_elsewhere() {
        let readings = RemainingReadings::default();
        readings.note("status-of-acknowledgements", "not understood as a number");
        readings.note("spelling-of-the-version", "versionId");
        let seen = BTreeSet::from(["status-of-acknowledgements".to_owned()]);
        assert_eq!(
            readings.beside(&seen),
            [("spelling-of-the-version".to_owned(), "versionId".to_owned())]
        );
    }

    #[test]
    fn two_readings_of_one_subject_do_not_stand_side_by_side() {
        for order in [["one", "two"], ["two", "one"]] {
            let readings = RemainingReadings::default();
            order.iter().for_each(|reading| readings.note("subject", reading));
            let left = readings.beside(&BTreeSet::new());
            assert_eq!(left, [("subject".to_owned(), "one".to_owned())]);
        }
    }
}
