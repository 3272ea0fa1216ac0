//! Events that the hub sends of its own accord: nobody subscribed to them, published them, or speaks of them (ambiguities, 79).
//!
//! A heartbeat comes when it comes. It is judged once in a run, by what it is, and moves no verdict of a scenario.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use super::{Breach, Judge, Place, ids};
use crate::Received;
use crate::outcome::{Check, Entry, Traffic};
use crate::protocol::{EventKind, EventName};

/// The requirements on the form of an event's name, as the versions name them.
const NAME_FORM: [&str; 2] = ["event.name-form.hub", "event.name-syntax.hub"];

/// The events that a scenario speaks of, wherever in it.
#[derive(Debug, Clone, Default)]
pub struct Mentioned(Arc<str>);

impl Mentioned {
    /// All that is written in a scenario.
    pub fn of(scenario: &impl Debug) -> Self {
        Self(format!("{scenario:?}").to_ascii_lowercase().into())
    }

    fn has(&self, event: &str) -> bool {
        self.0.contains(&event.to_ascii_lowercase())
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
    // What is wrong with the name of an organization's own event is judged where it comes.
    let may_follow = may_follow || (name.contains('.') && name.contains('-'));
    (!may_follow && !name.is_empty() && !mentioned.has(name) && !is_copy()).then_some(name)
}

/// What nobody asked for, seen in any scenario of a run.
#[derive(Debug, Default)]
pub struct Unasked(BTreeMap<String, (String, Traffic)>);

impl Unasked {
    /// A subscriber received such an event: its name, and the message that brought it.
    pub fn note(&mut self, event: &str, subscriber: &str, message: Traffic) {
        self.0
            .entry(event.to_owned())
            .or_insert_with(|| (subscriber.to_owned(), message));
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Judges them, each by its name; the checks are those of a scenario of this name. The messages come with them.
    pub fn conclude(self, scenario: &str, mut judge: Judge) -> (Vec<Check>, Vec<Entry>) {
        let mut transcript = Vec::new();
        for (sequence, (event, (subscriber, message))) in self.0.into_iter().enumerate() {
            let at = std::time::Duration::ZERO;
            transcript.push(Arc::new(Entry::new(sequence, at, &subscriber, message)));
            let breach = Breach::new(
                format!("the hub sent the event {event}, to which nobody was subscribed and which nobody published"),
                vec![Place::within(sequence, "/event/hub.event")],
            )
            .expecting("only events that the subscriber is subscribed to")
            .observing(&event);
            judge.broken(ids::ONLY_SUBSCRIBED, breach);
            let is_named = event
                .parse::<EventName>()
                .is_ok_and(|event| event.kind() != EventKind::Unknown);
            for requirement in NAME_FORM.into_iter().filter(|_| !is_named) {
                let breach = Breach::new(
                    format!("{event} is no name of an event"),
                    vec![Place::within(sequence, "/event/hub.event")],
                )
                .expecting("a resource with -open, -close, -update or -select, an event of the infrastructure, or a name in reverse domain notation")
                .observing(&event);
                judge.broken(requirement, breach);
            }
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
    use crate::Spot;
    use crate::hub::example;
    use crate::outcome::Verdict;
    use crate::protocol::Version;

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

    #[test]
    fn many_beats_are_one_finding() {
        let traffic = || Traffic::Note {
            text: "a frame".to_owned(),
        };
        let mut seen = Unasked::default();
        for subscriber in ["viewer", "worklist"] {
            seen.note("heartbeat", subscriber, traffic());
        }
        let (checks, transcript) = seen.conclude("unasked", example::judge(Version::Stu3));
        let told: Vec<_> = checks
            .iter()
            .map(|check| (check.requirement.as_str(), check.verdict))
            .collect();
        assert_eq!(
            told,
            [
                ("event.name-form.hub", Verdict::Fail),
                ("notification.only-subscribed", Verdict::Fail)
            ]
        );
        assert_eq!(transcript.len(), 1);
    }

    #[test]
    fn a_proper_name_breaks_no_form() {
        let mut seen = Unasked::default();
        seen.note(
            "org.example.pong",
            "viewer",
            Traffic::Note { text: String::new() },
        );
        let (checks, _) = seen.conclude("unasked", example::judge(Version::Stu3));
        assert_eq!(checks.len(), 1);
    }
}
