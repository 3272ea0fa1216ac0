//! Subscriptions begin, are replaced and end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::hub::example::{Example, events};
use crate::hub::{Intent, Subscription, Subscriptions, events_in, lease_in};
use crate::{Closed, Received, Spot, Verified};

fn spot(sequence: usize) -> Spot {
    Spot {
        sequence,
        at: Duration::from_secs(sequence as u64),
    }
}

fn intent(names: &str, secret: usize, requested: usize) -> Intent {
    Intent {
        events: events(names),
        secret: Some(secret),
        requested,
    }
}

fn verified(asked: usize, query: Value) -> Verified {
    Verified {
        asked: spot(asked),
        answered: spot(asked + 1),
        query: Arc::new(query),
        agreed: true,
    }
}

fn question(names: &str) -> Value {
    json!({"hub.mode": "subscribe", "hub.events": names, "hub.lease_seconds": "60"})
}

#[test]
fn a_webhook_begins_when_its_callback_agrees() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent("Patient-open,Patient-close", 3, 1));
    assert!(subscriptions.has_intents() && subscriptions.last().is_none());
    subscriptions.agree(&verified(5, question("Patient-open")), |_| true);
    assert!(!subscriptions.has_intents());
    let begun = subscriptions.last().unwrap();
    assert_eq!(begun.current, events("Patient-open"));
    // Whatever is stated, what was asked for may come.
    let asked = events("Patient-open,Patient-close");
    assert!(asked.iter().all(|event| begun.granted.contains(event)));
    assert_eq!(begun.asked, events("Patient-open,Patient-close"));
    assert_eq!(
        (begun.lease, begun.secret, begun.socket),
        (Some(60.0), Some(3), Some(0))
    );
    assert_eq!(begun.confirmed, Some(spot(6)));
}

#[test]
fn what_a_verification_states_beyond_the_request_is_not_granted() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent("Patient-open", 0, 1));
    subscriptions.agree(&verified(5, question("Patient-open,Patient-close")), |_| true);
    assert_eq!(subscriptions.last().unwrap().current, events("Patient-open"));
}

#[test]
fn what_a_token_may_not_read_is_not_owed() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent("Patient-open,Patient-close", 0, 1));
    let query = question("Patient-open,Patient-close");
    subscriptions.agree(&verified(5, query), |event| *event == *"Patient-close");
    assert_eq!(subscriptions.last().unwrap().current, events("Patient-close"));
}

#[test]
fn a_second_agreement_replaces_a_subscription_that_lasts_and_follows_one_that_ended() {
    for ended in [false, true] {
        let mut subscriptions = Subscriptions::default();
        subscriptions.ask(intent("Patient-open", 0, 1));
        subscriptions.agree(&verified(2, question("Patient-open")), |_| true);
        if ended {
            subscriptions.last_mut().unwrap().ended = Some(spot(5));
        }
        subscriptions.ask(intent("Patient-close", 1, 10));
        subscriptions.agree(&verified(12, question("Patient-close")), |_| true);
        let last = subscriptions.last().unwrap();
        assert_eq!(
            (last.current.clone(), last.secret),
            (events("Patient-close"), Some(1))
        );
        assert_eq!(last.replaced, if ended { Vec::new() } else { vec![spot(13)] });
        assert_eq!(last.granted.contains(&events("Patient-open")[0]), !ended);
        assert_eq!(last.settled(), Some(spot(13)));
    }
}

#[test]
fn an_agreement_is_to_the_last_request_before_its_question() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent("Patient-open", 0, 1));
    subscriptions.ask(intent("Patient-close", 1, 3));
    subscriptions.ask(intent("Encounter-open", 2, 9));
    subscriptions.agree(&verified(5, json!({})), |_| true);
    let last = subscriptions.last().unwrap();
    assert_eq!(
        (last.current.clone(), last.secret),
        (events("Patient-close"), Some(1))
    );
    // The one before is overridden, the one after still waits.
    subscriptions.refuse(9);
    assert!(!subscriptions.has_intents());
}

#[test]
fn a_refused_request_has_no_intent() {
    let mut subscriptions = Subscriptions::default();
    subscriptions.ask(intent("Patient-open", 0, 1));
    subscriptions.ask(intent("Patient-open", 0, 3));
    subscriptions.refuse(3);
    assert!(subscriptions.has_intents());
    subscriptions.forget_intents();
    assert!(!subscriptions.has_intents());
}

#[test]
fn an_agreement_to_an_unsubscribe_ends_the_subscription() {
    for (mode, ended) in [("unsubscribe", Some(spot(6))), ("subscribe", None)] {
        let mut subscriptions = Subscriptions::default();
        subscriptions.push(Subscription::new(events("Patient-open")));
        subscriptions.agree(&verified(5, json!({"hub.mode": mode})), |_| true);
        assert_eq!(subscriptions.last().unwrap().ended, ended, "{mode}");
        // An end that is known already is kept.
        subscriptions.last_mut().unwrap().ended = Some(spot(1));
        subscriptions.agree(&verified(8, json!({"hub.mode": mode})), |_| true);
        assert_eq!(subscriptions.last().unwrap().ended, Some(spot(1)));
    }
}

fn subscription(socket: usize, confirmed: Option<usize>) -> Subscription {
    Subscription {
        socket: Some(socket),
        confirmed: confirmed.map(spot),
        ..Subscription::new(events("Patient-open"))
    }
}

fn closed(socket: usize, by_hub: bool) -> Closed {
    Closed {
        spot: spot(20),
        socket,
        by_hub,
        code: None,
    }
}

#[test]
fn a_message_belongs_to_the_subscription_that_was_confirmed_over_its_channel_by_then() {
    let mut subscriptions = Subscriptions::default();
    for (socket, confirmed, secret) in [
        (0, Some(2), 10),
        (0, Some(6), 11),
        (1, Some(8), 12),
        (2, None, 13),
    ] {
        subscriptions.push(Subscription {
            secret: Some(secret),
            ..subscription(socket, confirmed)
        });
    }
    for (socket, sequence, expected) in [
        (0, 3, Some(10)),
        (0, 6, Some(10)),
        (0, 7, Some(11)),
        (0, 99, Some(11)),
        (1, 9, Some(12)),
        // Nothing was confirmed over it by then: the last one over it is meant.
        (0, 1, Some(11)),
        (2, 50, Some(13)),
        (3, 50, None),
    ] {
        let received = Received {
            spot: spot(sequence),
            socket,
            text: "".into(),
            json: None,
            call: None,
        };
        let found = subscriptions
            .of(&received)
            .and_then(|subscription| subscription.secret);
        assert_eq!(found, expected, "socket {socket}, message {sequence}");
    }
}

#[test]
fn a_subscription_is_active_from_its_confirmation_to_its_end() {
    let active = |subscription: Subscription, closed: &[Closed]| {
        let mut subscriptions = Subscriptions::default();
        subscriptions.push(subscription);
        subscriptions.is_active(closed)
    };
    assert!(!Subscriptions::default().is_active(&[]));
    assert!(active(subscription(1, Some(2)), &[]));
    assert!(!active(subscription(1, None), &[]));
    assert!(
        active(subscription(1, Some(2)), &[closed(0, true)]),
        "another socket"
    );
    assert!(!active(
        subscription(1, Some(2)),
        &[closed(0, true), closed(1, false)]
    ));
    let left = Subscription {
        ended: Some(spot(5)),
        ..subscription(1, Some(2))
    };
    assert!(!active(left, &[]));
    let unconnected = Subscription {
        socket: None,
        ..subscription(1, Some(2))
    };
    assert!(!active(unconnected, &[]));
}

#[test]
fn the_hub_ended_a_subscription_whose_socket_it_closed_unasked() {
    let ended = |subscription: Subscription, closed: &[Closed]| {
        let mut subscriptions = Subscriptions::default();
        subscriptions.push(subscription);
        subscriptions.was_ended_by_hub(closed)
    };
    assert!(!Subscriptions::default().was_ended_by_hub(&[]));
    assert!(ended(subscription(1, Some(2)), &[closed(1, true)]));
    assert!(
        !ended(subscription(1, Some(2)), &[closed(0, true)]),
        "the socket of a replaced one"
    );
    assert!(!ended(subscription(1, Some(2)), &[closed(1, false)]));
    let left = Subscription {
        ended: Some(spot(5)),
        ..subscription(1, Some(2))
    };
    assert!(!ended(left, &[closed(1, true)]));
}

#[test]
fn an_event_is_withheld_that_was_asked_for_and_is_not_granted() {
    let mut example = Example::with(&["viewer"]);
    let open = &events("Patient-open")[0];
    assert!(!example.subscription("viewer").is_withheld(open));
    let subscription = example.subscription("viewer");
    subscription.current = events("Patient-close");
    assert!(subscription.is_withheld(open));
    assert!(
        !subscription.is_withheld(&events("Encounter-open")[0]),
        "it was not asked for"
    );
    subscription.confirmed = None;
    assert!(!subscription.is_withheld(open), "nothing is granted yet");
}

#[test]
fn events_and_leases_are_read_from_control_messages() {
    let read = |lease: Value| lease_in(&json!({"hub.lease_seconds": lease}));
    assert_eq!(read(json!(60)), Some(60.0));
    assert_eq!(read(json!("60.5")), Some(60.5));
    assert_eq!(read(json!(0)), Some(0.0));
    for none in [json!(-1), json!("soon"), json!("inf"), json!("NaN"), json!(null)] {
        assert_eq!(read(none.clone()), None, "{none}");
    }
    assert_eq!(lease_in(&json!({})), None);
    assert_eq!(
        events_in(&json!({"hub.events": "Patient-open"})),
        Some(events("Patient-open"))
    );
    assert_eq!(events_in(&json!({"hub.events": 7})), None);
}
