//! Subscriptions: what is asked for, granted, replaced and ended.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::hub::example::events;
use crate::hub::{Intent, Subscription, Subscriptions, events_in, lease_in};
use crate::{Closed, Received, Spot, Verified};

fn at(sequence: usize) -> Spot {
    Spot {
        sequence,
        at: Duration::ZERO,
    }
}

fn confirmed_over(socket: usize, sequence: usize) -> Subscription {
    let mut subscription = Subscription::new(events("Patient-open"), at(0));
    subscription.socket = Some(socket);
    subscription.confirm(events("Patient-open"), None, at(sequence));
    subscription
}

fn of(all: impl IntoIterator<Item = Subscription>) -> Subscriptions {
    let mut subscriptions = Subscriptions::default();
    for subscription in all {
        subscriptions.push(subscription);
    }
    subscriptions
}

fn received(socket: usize, sequence: usize) -> Received {
    Received {
        spot: at(sequence),
        socket,
        text: "".into(),
        json: None,
        call: None,
    }
}

fn closed(socket: usize, by_hub: bool) -> Closed {
    Closed {
        spot: at(9),
        socket,
        by_hub,
        code: None,
        by_frame: false,
    }
}

#[test]
fn a_confirmation_grants_in_place_of_what_was_granted_before() {
    let mut subscription = Subscription::new(events("Patient-open,Patient-close"), at(0));
    assert_eq!(subscription.asked, events("Patient-open,Patient-close"));
    assert_eq!(subscription.confirmed, None);
    subscription.confirm(events("Patient-open"), Some(60.0), at(3));
    subscription.confirm(events("Patient-close"), Some(30.0), at(5));
    assert_eq!(subscription.granted, events("Patient-open,Patient-close"));
    assert_eq!(subscription.current, events("Patient-close"));
    assert_eq!(subscription.lease, Some(30.0));
    assert_eq!(subscription.confirmed, Some(at(5)));
}

#[test]
fn an_event_is_withheld_that_was_asked_for_and_not_granted() {
    let open = &events("Patient-open")[0];
    for (asked, granted, withheld) in [
        ("Patient-open", "Patient-close", true),
        ("Patient-open", "Patient-open", false),
        ("Patient-close", "Patient-close", false),
        ("Patient-close", "Patient-open", false),
    ] {
        let mut subscription = Subscription::new(events(asked), at(0));
        assert!(!subscription.is_withheld(open), "nothing is confirmed yet");
        subscription.confirm(events(granted), None, at(1));
        assert_eq!(subscription.is_withheld(open), withheld, "{asked} {granted}");
    }
}

#[test]
fn a_subscription_is_settled_since_it_was_last_confirmed_or_replaced() {
    let mut subscription = Subscription::new(Vec::new(), at(0));
    assert_eq!(subscription.settled(), None);
    subscription.replaced = vec![at(4), at(2)];
    assert_eq!(subscription.settled(), Some(at(4)));
    subscription.confirmed = Some(at(7));
    assert_eq!(subscription.settled(), Some(at(7)));
    subscription.replaced.push(at(9));
    assert_eq!(subscription.settled(), Some(at(9)));
}

#[test]
fn the_last_subscription_counts() {
    let mut subscriptions = of([confirmed_over(0, 2), confirmed_over(1, 5)]);
    assert_eq!(subscriptions.last().unwrap().socket, Some(1));
    subscriptions.last_mut().unwrap().socket = Some(2);
    assert_eq!(subscriptions.last().unwrap().socket, Some(2));
    assert!(Subscriptions::default().last().is_none());
    assert!(Subscriptions::default().last_mut().is_none());
}

#[test]
fn a_message_belongs_to_the_last_subscription_confirmed_before_it_over_its_channel() {
    let mut subscriptions = of([confirmed_over(0, 5), confirmed_over(0, 10), confirmed_over(1, 15)]);
    for (socket, sequence, confirmed) in [
        (0, 7, Some(5)),
        // The confirmation itself came while the one before was in force.
        (0, 10, Some(5)),
        (0, 11, Some(10)),
        (0, 20, Some(10)),
        (1, 20, Some(15)),
        // Before any was confirmed it can only belong to one that was to come.
        (0, 3, Some(10)),
        (1, 12, Some(15)),
        (2, 20, None),
    ] {
        let found = subscriptions.of(&received(socket, sequence));
        let found = found.map(|subscription| subscription.confirmed.unwrap().sequence);
        assert_eq!(found, confirmed, "channel {socket}, message {sequence}");
    }
    // One that is not confirmed yet has the channel to itself.
    subscriptions.push(Subscription {
        socket: Some(4),
        ..Subscription::new(Vec::new(), at(0))
    });
    assert_eq!(subscriptions.of(&received(4, 20)).unwrap().socket, Some(4));
}

#[test]
fn a_subscription_is_active_from_its_confirmation_to_its_end() {
    assert!(!Subscriptions::default().is_active(&[]));
    type Change = fn(&mut Subscription);
    let as_it_is: Change = |_| {};
    let cases: [(Change, &[Closed], bool); 6] = [
        (as_it_is, &[], true),
        (as_it_is, &[closed(1, true)], true),
        (as_it_is, &[closed(1, true), closed(0, false)], false),
        (|subscription| subscription.confirmed = None, &[], false),
        (|subscription| subscription.ended = Some(at(3)), &[], false),
        (|subscription| subscription.socket = None, &[], false),
    ];
    for (case, (change, closed, active)) in cases.into_iter().enumerate() {
        let mut subscription = confirmed_over(0, 2);
        change(&mut subscription);
        let subscriptions = of([confirmed_over(3, 1), subscription]);
        assert_eq!(subscriptions.is_active(closed), active, "case {case}");
    }
}

#[test]
fn a_hub_ends_a_subscription_by_closing_its_socket_unasked() {
    for (closed, by_hub) in [
        (Vec::new(), false),
        (vec![closed(0, true)], true),
        (vec![closed(0, false)], false),
        (vec![closed(1, true)], false),
        (vec![closed(0, false), closed(1, true)], false),
    ] {
        let mut subscriptions = of([confirmed_over(0, 2)]);
        assert_eq!(subscriptions.was_ended_by_hub(&closed), by_hub, "{closed:?}");
        subscriptions.last_mut().unwrap().ended = Some(at(3));
        assert!(!subscriptions.was_ended_by_hub(&closed), "{closed:?}");
        assert!(!Subscriptions::default().was_ended_by_hub(&closed), "{closed:?}");
    }
}

fn intent(requested: usize, names: &str) -> Intent {
    Intent {
        events: events(names),
        secret: Some(requested),
        requested,
    }
}

fn everything(_: &crate::protocol::EventName) -> bool {
    true
}

/// A verification that is asked at this place, and agreed to at the next.
fn verified(asked: usize, query: Value) -> Verified {
    Verified {
        asked: at(asked),
        answered: at(asked + 1),
        query: Arc::new(query),
        agreed: true,
    }
}

fn verification(names: &str) -> Value {
    json!({"hub.mode": "subscribe", "hub.events": names, "hub.lease_seconds": "60"})
}

#[test]
fn intents_last_until_they_are_refused_or_forgotten() {
    let mut subscriptions = Subscriptions::default();
    assert!(!subscriptions.has_intents());
    subscriptions.ask(intent(1, "Patient-open"));
    subscriptions.refuse(2);
    assert!(subscriptions.has_intents());
    subscriptions.refuse(1);
    assert!(!subscriptions.has_intents());
    subscriptions.ask(intent(3, "Patient-open"));
    subscriptions.forget_intents();
    assert!(!subscriptions.has_intents());
}

#[test]
fn a_webhook_subscription_begins_when_its_callback_agrees() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent(1, "Patient-open,Patient-close"));
    subscriptions.agree(&verified(3, verification("Patient-open")), everything);
    assert!(!subscriptions.has_intents());
    let subscription = subscriptions.last().unwrap();
    assert_eq!(subscription.asked, events("Patient-open,Patient-close"));
    assert_eq!(subscription.current, events("Patient-open"));
    for event in events("Patient-open,Patient-close") {
        assert!(subscription.granted.contains(&event), "{event}");
    }
    assert_eq!(subscription.socket, Some(0));
    assert_eq!(subscription.secret, Some(1));
    assert_eq!(subscription.lease, Some(60.0));
    assert_eq!(subscription.confirmed, Some(at(4)));
    assert!(subscriptions.is_active(&[]));
}

#[test]
fn a_verification_grants_no_more_than_was_asked_for_and_may_be_sent() {
    for (query, current) in [
        (verification("Patient-close"), "Patient-close"),
        // What it states beside what was asked for is judged where it does.
        (
            verification("Patient-open,Encounter-open"),
            "Patient-open,Patient-close",
        ),
        (json!({"hub.mode": "subscribe"}), "Patient-open,Patient-close"),
    ] {
        let mut subscriptions = Subscriptions::default();
        subscriptions.ask(intent(1, "Patient-open,Patient-close"));
        subscriptions.agree(&verified(3, query.clone()), everything);
        assert_eq!(subscriptions.last().unwrap().current, events(current), "{query}");
    }
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent(1, "Patient-open,Patient-close"));
    let may_receive = |event: &crate::protocol::EventName| *event == events("Patient-close")[0];
    subscriptions.agree(&verified(3, json!({"hub.mode": "subscribe"})), may_receive);
    assert_eq!(subscriptions.last().unwrap().current, events("Patient-close"));
}

#[test]
fn a_second_agreement_replaces_the_subscription_in_force() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent(1, "Patient-open"));
    subscriptions.agree(&verified(3, verification("Patient-open")), everything);
    subscriptions.ask(intent(5, "Patient-close,Encounter-open"));
    let query = json!({"hub.mode": "subscribe", "hub.events": "Patient-close", "hub.lease_seconds": 30});
    subscriptions.agree(&verified(7, query), everything);
    let subscription = subscriptions.last().unwrap();
    assert_eq!(subscription.confirmed, Some(at(4)), "it is the same subscription");
    assert_eq!(subscription.replaced, [at(8)]);
    assert_eq!(subscription.asked, events("Patient-close,Encounter-open"));
    assert_eq!(subscription.current, events("Patient-close"));
    for event in events("Patient-open,Patient-close,Encounter-open") {
        assert!(subscription.granted.contains(&event), "{event}");
    }
    assert_eq!(subscription.lease, Some(30.0));
    assert_eq!(subscription.secret, Some(5));
}

#[test]
fn an_agreement_after_the_end_begins_a_new_subscription() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent(1, "Patient-open"));
    subscriptions.agree(&verified(3, verification("Patient-open")), everything);
    subscriptions.last_mut().unwrap().ended = Some(at(5));
    subscriptions.ask(intent(6, "Patient-close"));
    subscriptions.agree(&verified(7, verification("Patient-close")), everything);
    let subscription = subscriptions.last().unwrap();
    assert_eq!(subscription.confirmed, Some(at(8)));
    assert_eq!(subscription.ended, None);
    assert!(subscription.replaced.is_empty());
}

#[test]
fn a_verification_is_about_the_last_request_before_it() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent(1, "Patient-open"));
    subscriptions.ask(intent(2, "Patient-close"));
    subscriptions.ask(intent(6, "Encounter-open"));
    subscriptions.agree(&verified(6, json!({})), everything);
    assert_eq!(subscriptions.last().unwrap().asked, events("Patient-close"));
    // What was asked for before is overridden, what was asked for since is not.
    assert!(subscriptions.has_intents());
    subscriptions.agree(&verified(6, json!({})), everything);
    assert_eq!(subscriptions.last().unwrap().asked, events("Patient-close"));
    subscriptions.agree(&verified(7, json!({})), everything);
    assert_eq!(subscriptions.last().unwrap().asked, events("Encounter-open"));
    assert!(!subscriptions.has_intents());
}

#[test]
fn an_agreed_unsubscribe_ends_the_subscription_once() {
    let mut subscriptions = of([confirmed_over(0, 2)]);
    subscriptions.agree(&verified(3, verification("Patient-open")), everything);
    assert_eq!(subscriptions.last().unwrap().ended, None, "nothing was asked for");
    let unsubscribe = json!({"hub.mode": "unsubscribe"});
    for asked in [5, 7] {
        subscriptions.agree(&verified(asked, unsubscribe.clone()), everything);
        assert_eq!(subscriptions.last().unwrap().ended, Some(at(6)));
    }
    let mut none = Subscriptions::default();
    none.agree(&verified(3, unsubscribe), everything);
    assert!(none.last().is_none());
}

#[test]
fn events_are_read_from_control_messages() {
    assert_eq!(
        events_in(&json!({"hub.events": "Patient-open,Patient-close"})),
        Some(events("Patient-open,Patient-close"))
    );
    for message in [json!({}), json!({"hub.events": 7}), json!({"hub.events": "*"})] {
        assert_eq!(events_in(&message), None, "{message}");
    }
}

#[test]
fn a_lease_is_a_number_of_seconds_or_the_text_of_one() {
    for (stated, lease) in [
        (json!(60), Some(60.0)),
        (json!(0), Some(0.0)),
        (json!(0.5), Some(0.5)),
        (json!("60"), Some(60.0)),
        (json!(-1), None),
        (json!("-1"), None),
        (json!("inf"), None),
        (json!("NaN"), None),
        (json!("soon"), None),
        (json!(null), None),
    ] {
        assert_eq!(lease_in(&json!({"hub.lease_seconds": stated})), lease, "{stated}");
    }
    assert_eq!(lease_in(&json!({})), None);
}
