//! What is judged when everything has passed: who took events at once, what the hub owed, and all that several messages show.

use std::collections::HashMap;
use std::time::Duration;

use super::listener::Listener;
use super::refusals::judge_refusals;
use super::{ACKNOWLEDGEMENT, RESPONSE, Recorded};
use crate::Received;
use crate::hub::acknowledgements::acknowledgement_in;
use crate::hub::control::control_received;
use crate::hub::rules::{Owed, has_run_out, judge_challenges, judge_conversation};
use crate::hub::{Conversation, Publication, Subscription};
use crate::outcome::Traffic;
use crate::protocol::EventName;

impl Listener {
    /// Judges what was heard; the checks are those of a scenario of this name.
    pub(super) fn conclude(mut self, scenario: &str) -> Recorded {
        find_exactness(&mut self.conversation);
        let (conversation, judge) = (&self.conversation, &mut self.judge);
        judge_conversation(conversation, &owed(conversation, self.last), judge);
        judge_challenges(conversation, &mut self.issued, judge);
        judge_refusals(conversation, self.last, judge);
        let none = Default::default();
        let transcript = self.conversation.transcript;
        let (checks, observations) = self.judge.conclude(scenario, &none, &none, "", &transcript);
        Recorded {
            checks,
            observations,
            transcript,
        }
    }
}

/// Finds out who took every event at once.
fn find_exactness(conversation: &mut Conversation) {
    let patience = (ACKNOWLEDGEMENT / 2).as_secs_f64() * 1_000.0;
    let transcript = &conversation.transcript;
    let mut taken: HashMap<(&str, String), (bool, f64)> = HashMap::new();
    let mut odd: Vec<&str> = Vec::new();
    for entry in transcript {
        match acknowledgement_in(entry, transcript) {
            Some(answer) => {
                let fine = answer.status.code == 200;
                taken.insert((&entry.actor, answer.id), (fine, entry.at_ms));
            }
            None if matches!(entry.traffic, Traffic::FrameSent { .. }) => odd.push(&entry.actor),
            None => {}
        }
    }
    for subscriber in conversation.subscribers.values_mut() {
        let name = subscriber.name.as_str();
        let mut events = subscriber
            .received
            .iter()
            .filter(|received| control_received(received).is_none());
        let took = |received: &Received| {
            let sent = transcript
                .get(received.spot.sequence)
                .map_or(0.0, |entry| entry.at_ms);
            let answer = received.id().and_then(|id| taken.get(&(name, id.to_owned())));
            answer.is_some_and(|(fine, at)| *fine && at - sent <= patience)
        };
        let all_taken = events.all(took);
        subscriber.exact &= !odd.contains(&name) && all_taken;
    }
}

/// Who was owed which publication, for certain: a later event of the topic came to a subscriber, or its subscription went on
/// for as long as a hub may take. `last` is when the recording ended.
fn owed(conversation: &Conversation, last: Duration) -> Vec<Owed> {
    let mut owed = Vec::new();
    for subscriber in conversation.subscribers.values() {
        let Some(subscription) = subscriber.subscription() else {
            continue;
        };
        let origins: Vec<&Publication> = subscriber
            .received
            .iter()
            .filter_map(|received| conversation.origin(received))
            .filter_map(|position| conversation.publications.get(position).map(AsRef::as_ref))
            .collect();
        for (position, publication) in conversation.publications.iter().enumerate() {
            if !publication.accepted || publication.topic != subscriber.topic {
                continue;
            }
            let came_later = origins
                .iter()
                .any(|later| later.requested.sequence > publication.answered.sequence);
            let ended = subscription
                .ended
                .into_iter()
                .chain(subscriber.closed.iter().map(|closed| closed.spot));
            let end = ended.map(|spot| spot.at).min().unwrap_or(last);
            let lasted = end >= publication.answered.at + RESPONSE;
            let alive = end > publication.answered.at;
            if (lasted || (came_later && alive)) && is_granted(subscription, publication, &publication.event)
            {
                owed.push(Owed {
                    publication: position,
                    to: subscriber.name.clone(),
                });
            }
        }
    }
    owed
}

/// The subscription was there for this event before something was published, and did not change after that.
pub(super) fn is_granted(subscription: &Subscription, publication: &Publication, event: &EventName) -> bool {
    subscription.confirmed.is_some()
        && subscription.current.contains(event)
        && subscription.settled().is_some_and(|spot| {
            spot.sequence < publication.requested.sequence && !has_run_out(subscription, publication)
        })
}
