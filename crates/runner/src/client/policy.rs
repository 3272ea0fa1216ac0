//! How a mock subscriber answers the notifications that it receives.

use std::time::Duration;

use crate::protocol::{EventKind, EventName, Status};

/// A rule of answering.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerRule {
    /// The event that it applies to; all but SyncError where absent.
    pub event: Option<EventName>,
    /// The answer; none at all where absent.
    pub status: Option<Status>,
    /// How long to wait before answering.
    pub after: Duration,
}

/// Rules in order; the first that fits counts, and 200 where none does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// The rules.
    pub rules: Vec<AnswerRule>,
}

impl Policy {
    /// What to answer to a notification of this event: after how long, and with which status; or nothing.
    ///
    /// A notification without a name is answered like any other: a subscriber that stays silent would be given up by the hub.
    /// A SyncError is answered with 200 unless a rule names it, so that no loop starts (ambiguities, 9).
    pub fn status(&self, event: Option<&EventName>) -> Option<(Duration, Status)> {
        let sync_error = event.is_some_and(|event| event.kind() == EventKind::SyncError);
        let rule = self.rules.iter().find(|rule| match &rule.event {
            Some(named) => event == Some(named),
            None => !sync_error,
        });
        let Some(rule) = rule else {
            let success = Status {
                code: 200,
                as_text: false,
            };
            return Some((Duration::ZERO, success));
        };
        rule.status.map(|status| (rule.after, status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sync_errors_are_acknowledged_unless_named() {
        let refuse = AnswerRule {
            status: Some(Status {
                code: 409,
                as_text: false,
            }),
            ..AnswerRule::default()
        };
        let policy = Policy { rules: vec![refuse] };
        let (_, status) = policy.status(Some(&"Patient-open".parse().unwrap())).unwrap();
        assert_eq!(status.code, 409);
        let (_, status) = policy.status(Some(&"syncerror".parse().unwrap())).unwrap();
        assert_eq!(status.code, 200);
    }

    #[test]
    fn a_rule_without_status_answers_nothing() {
        let policy = Policy {
            rules: vec![AnswerRule::default()],
        };
        assert_eq!(policy.status(Some(&"Patient-open".parse().unwrap())), None);
    }
}
