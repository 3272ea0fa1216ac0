//! Events that the hub sends of its own accord: nobody subscribed to them, published them, or speaks of them (ambiguities, 79).
//!
//! A heartbeat comes when it comes. It is judged once in a run, by what it is, and moves no verdict of a scenario.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use serde_json::Value;

use super::{Breach, Judge, Place, ids};
use crate::outcome::{Check, Entry, Traffic};
use crate::protocol::{EventKind, EventName};
use crate::{Received, Spot};

/// The events that a scenario speaks of, wherever in it.
#[derive(Debug, Clone, Default)]
pub struct Mentioned(Arc<str>);

impl Mentioned {
    /// All that is written in a scenario.
    pub fn of(scenario: &impl Debug) -> Self {
        Self(format!("{scenario:?}").to_ascii_lowercase().into())
    }

    /// Whether a word is written in it, in any case.
    pub fn names(&self, word: &str) -> bool {
        self.0.contains(&word.to_ascii_lowercase())
    }
}

/// The name of the event, where this message is one that nobody asked for. `is_copy` says that it is a copy of something that
/// was published.
pub fn unasked<'r>(
    received: &'r Received,
    is_copy: impl FnOnce() -> bool,
    mentioned: &Mentioned,
) -> Option<&'r str> {
    let name = received.message()?.pointer("/event/hub.event")?.as_str()?;
    let kind = name
        .parse::<EventName>()
        .map_or(EventKind::Unknown, |event| event.kind());
    // The opening or closing of a resource may follow from what somebody else published.
    let may_follow = matches!(kind, EventKind::Resource { .. } | EventKind::SyncError);
    (!may_follow && !name.is_empty() && !mentioned.names(name) && !is_copy()).then_some(name)
}

/// What nobody asked for, seen in any scenario of a run.
#[derive(Debug, Default)]
pub struct Unasked(BTreeMap<String, Seen>);

/// The first message with such an event.
#[derive(Debug)]
struct Seen {
    subscriber: String,
    notification: Value,
    traffic: Traffic,
}

impl Unasked {
    /// A subscriber received such an event: its name, the notification, and how it stands in the transcript.
    pub fn note(&mut self, event: &str, subscriber: &str, notification: &Value, traffic: Traffic) {
        self.0.entry(event.to_owned()).or_insert_with(|| Seen {
            subscriber: subscriber.to_owned(),
            notification: notification.clone(),
            traffic,
        });
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Judges them, each by its name; the checks are those of a scenario of this name. The messages come with them.
    pub fn conclude(self, scenario: &str, mut judge: Judge) -> (Vec<Check>, Vec<Entry>) {
        let mut transcript = Vec::new();
        for (sequence, (event, seen)) in self.0.into_iter().enumerate() {
            let Seen {
                subscriber,
                notification,
                traffic,
            } = seen;
            let at = std::time::Duration::ZERO;
            let spot = Spot { sequence, at };
            transcript.push(Arc::new(Entry::new(sequence, at, &subscriber, traffic)));
            let breach = Breach::new(
                format!("the hub sent the event {event}, to which nobody was subscribed and which nobody published"),
                vec![Place::at(sequence)],
            )
            .expecting("only events that the subscriber is subscribed to")
            .observing(&event);
            judge.broken(ids::ONLY_SUBSCRIBED, breach);
            judge.name_of_event(&notification, spot);
        }
        let nothing = std::collections::BTreeSet::new();
        let (checks, _) = judge.conclude(scenario, &nothing, &nothing, "", &transcript);
        (checks, transcript.into_iter().map(Arc::unwrap_or_clone).collect())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hub::example;
    use crate::outcome::Verdict;
    use crate::protocol::Version;
    use crate::requirement::RequirementId;

    fn message(event: &str) -> Received {
        let message = json!({"timestamp": "2026-01-01T00:00:00Z", "id": "1", "event": {"hub.topic": "t", "hub.event": event, "context": []}});
        Received {
            spot: Spot {
                sequence: 0,
                at: std::time::Duration::ZERO,
            },
            socket: 0,
            text: message.to_string().into(),
            json: Some(Arc::new(message)),
            call: None,
        }
    }

    #[test]
    fn a_heartbeat_is_unasked_and_a_copy_is_not() {
        let mentioned = Mentioned::of(&"subscribes to Patient-open");
        let beat = message("heartbeat");
        assert_eq!(unasked(&beat, || false, &mentioned), Some("heartbeat"));
        assert_eq!(unasked(&beat, || true, &mentioned), None);
    }

    #[test]
    fn what_may_follow_from_another_event_is_judged_in_its_scenario() {
        for event in ["Patient-open", "imagingstudy-close", "SyncError"] {
            assert_eq!(
                unasked(&message(event), || false, &Mentioned::default()),
                None,
                "{event}"
            );
        }
    }

    #[test]
    fn an_event_that_the_scenario_speaks_of_is_judged_there() {
        let mentioned = Mentioned::of(&"publishes org.example.Ping");
        assert_eq!(unasked(&message("org.example.ping"), || false, &mentioned), None);
        assert_eq!(
            unasked(&message("org.example.pong"), || false, &mentioned),
            Some("org.example.pong")
        );
    }

    /// The checks of a run in which each of these came to two subscribers.
    fn told(version: Version, events: &[&str]) -> Vec<(RequirementId, Verdict)> {
        let mut seen = Unasked::default();
        for event in events {
            for subscriber in ["viewer", "worklist"] {
                let text = "a frame".to_owned();
                let received = message(event);
                seen.note(
                    event,
                    subscriber,
                    received.message().unwrap(),
                    Traffic::Note { text },
                );
            }
        }
        let (checks, transcript) = seen.conclude("unasked", example::judge(version));
        assert_eq!(transcript.len(), events.len());
        let told = checks.into_iter().map(|check| (check.requirement, check.verdict));
        told.collect()
    }

    fn owned(told: &[(&'static str, Verdict)]) -> Vec<(RequirementId, Verdict)> {
        told.iter()
            .map(|(requirement, verdict)| ((*requirement).into(), *verdict))
            .collect()
    }

    #[test]
    fn many_beats_are_one_finding_and_one_of_their_name() {
        let name = ("event.name-form.hub", Verdict::Fail);
        let unasked = ("notification.only-subscribed", Verdict::Fail);
        assert_eq!(told(Version::Stu3, &["heartbeat"]), owned(&[name, unasked]));
    }

    #[test]
    fn a_name_is_judged_by_what_the_version_says_of_names() {
        let unasked = ("notification.only-subscribed", Verdict::Fail);
        assert_eq!(told(Version::Stu3, &["org.example.pong"]), owned(&[unasked]));
        let dashed = ("event.proprietary-no-dash.hub", Verdict::Warn);
        assert_eq!(
            told(Version::Stu3, &["org.example.ping-pong"]),
            owned(&[dashed, unasked])
        );
    }
}
