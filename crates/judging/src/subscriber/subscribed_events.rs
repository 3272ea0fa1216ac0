//! Requested changes against what their publisher is subscribed to (STU1 and STU2, Request Context Change).

use super::findings::Breach;
use super::ids;
use super::judge::Judge;
use super::publishing::Requested;
use super::record::Place;
use super::requests::Asked;
use super::state::Subscription;

/// Whether one of the names that were asked for means this event, in any case and with asterisks.
fn means(asked: &str, event: &str) -> bool {
    let asked = asked.to_ascii_lowercase();
    let (Some((resource, action)), Some((of, does))) = (asked.split_once('-'), event.split_once('-')) else {
        return asked == event || asked == "*";
    };
    (resource == "*" || resource == of) && (action == "*" || action == does)
}

impl Judge {
    /// A change of an event that nobody who may have requested it is subscribed to.
    pub(super) fn judge_event_of_subscription(&mut self, change: &Requested<'_>) {
        let Requested {
            who,
            topic,
            client,
            event,
            spot,
            ..
        } = *change;
        let name = event.folded();
        // Whoever refuses an event says so by a SyncError, whatever it is subscribed to.
        if name.is_empty() || name == "syncerror" {
            return;
        }
        // A subscription that is under way may be the publisher's.
        let under_way = self
            .asked
            .values()
            .any(|asked| matches!(asked, Asked::Form(form) if form.is_about(topic)));
        if under_way {
            return;
        }
        let now = self.now;
        let of_topic = self
            .subscriptions
            .values()
            .filter(|subscription| subscription.who.topic == topic && subscription.is_alive(now));
        let of_client = |subscription: &&&Subscription| subscription.client.as_deref() == client;
        let all: Vec<&Subscription> = of_topic.collect();
        let own: Vec<&Subscription> = match client {
            Some(_) => all.iter().filter(of_client).copied().collect(),
            None => Vec::new(),
        };
        let covers =
            |subscription: &&Subscription| subscription.asked.iter().any(|asked| means(asked, &name));
        let breach = if client.is_some() && !own.is_empty() {
            (!own.iter().any(covers)).then_some(own)
        } else if client.is_none() && !all.is_empty() && all.iter().all(covers) {
            None
        } else if (client.is_none() && all.iter().any(covers)) || !self.settings.complete {
            // It is not known whose it is, or what it was subscribed to before.
            return;
        } else {
            Some(if client.is_some() { own } else { all })
        };
        let breach = breach.map(|subscriptions| {
            let what = match (subscriptions.is_empty(), client) {
                (true, _) => "without any subscription to the topic",
                (false, Some(_)) => "and its publisher is not subscribed to it",
                (false, None) => "and nobody in the topic is subscribed to it",
            };
            let mut places: Vec<Place> = subscriptions
                .iter()
                .map(|subscription| Place::within(subscription.requested.sequence, "/hub.events"))
                .collect();
            places.sort_by_key(|place| place.sequence);
            places.truncate(SHOWN);
            places.push(Place::within(spot.sequence, "/event/hub.event"));
            Breach::new(
                format!("{name} was requested {what}; ask for it in hub.events"),
                places,
            )
        });
        self.judge(who, ids::PUBLISH_OF_SUBSCRIPTION, breach);
    }
}

/// How many subscriptions are shown as evidence.
const SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::means;

    #[test]
    fn names_mean_events_in_any_case_and_with_asterisks() {
        for (asked, event, is_meant) in [
            ("Patient-open", "patient-open", true),
            ("patient-*", "patient-close", true),
            ("*-open", "patient-open", true),
            ("*-*", "patient-open", true),
            ("*", "userlogout", true),
            ("userLogout", "userlogout", true),
            ("patient-open", "patient-close", false),
            ("patient-*", "imagingstudy-open", false),
            ("*-open", "patient-close", false),
            ("userlogout", "userhibernate", false),
            ("org.example.x", "patient-open", false),
        ] {
            assert_eq!(means(asked, event), is_meant, "{asked} {event}");
        }
    }
}
