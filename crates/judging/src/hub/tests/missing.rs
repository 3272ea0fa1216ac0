//! Messages that did not come though they had to, and messages that came though they must not.

use serde_json::json;

use crate::hub::example::{Example, sync_error};
use crate::hub::ids::{CONTEXT_UNALTERED, DELIVERED};
use crate::hub::{
    Breach, Expected, MessageClass, Selection, Unheld, nameless_sync_error, not_closed, unwanted, why_missing,
};
use crate::protocol::Version;
use crate::schema::Unmet;

const REFUSED: &str = "syncerror.on-conflict";

fn selection(class: MessageClass, publication: Option<usize>) -> Selection {
    Selection {
        class,
        event: None,
        publication,
        after: None,
    }
}

/// Why nothing of this class about this publication came to a subscriber.
fn why(example: &Example, at: &str, class: MessageClass, publication: usize, requirement: &str) -> Unheld {
    let expected = Expected {
        at,
        selection: &selection(class, Some(publication)),
        words: "message",
        requirement,
        unmet: Unmet::ByLevel,
    };
    why_missing(&example.conversation, &expected)
}

fn unreached(unheld: Unheld) -> String {
    match unheld {
        Unheld::Unreached(why) => why,
        other => panic!("{other:?}"),
    }
}

fn broken(unheld: Unheld) -> Breach {
    match unheld {
        Unheld::Broken(breach) => breach,
        other => panic!("{other:?}"),
    }
}

/// The viewer has opened a patient; viewer and archive follow, and the viewer got it.
fn opened() -> (Example, usize) {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    (example, opened)
}

#[test]
fn an_event_that_others_got_is_missed() {
    let (mut example, opened) = opened();
    let frame = example.sync_error("archive", "error", "event-7");
    let breach = broken(why(
        &example,
        "archive",
        MessageClass::Notification,
        opened,
        DELIVERED,
    ));
    assert_eq!(
        breach.message,
        "archive did not receive the message that it had to"
    );
    assert_eq!(breach.expected.as_deref(), Some("a message at archive"));
    assert_eq!(breach.observed.as_deref(), Some("SyncError with id \"error\""));
    let places: Vec<usize> = breach.places.iter().map(|place| place.sequence).collect();
    let publication = example.publication(opened);
    let (requested, answered) = (publication.requested.sequence, publication.answered.sequence);
    assert_eq!(places, [requested, answered, frame.sequence]);
}

#[test]
fn a_softer_verdict_is_kept() {
    let (example, opened) = opened();
    let expected = Expected {
        at: "archive",
        selection: &selection(MessageClass::Notification, Some(opened)),
        words: "message",
        requirement: DELIVERED,
        unmet: Unmet::Warn,
    };
    assert_eq!(
        broken(why_missing(&example.conversation, &expected)).unmet,
        Unmet::Warn
    );
}

#[test]
fn a_subscription_that_the_hub_has_ended_is_owed_nothing() {
    let (mut example, opened) = opened();
    example.close("archive", true, Some(1001));
    let why = unreached(why(
        &example,
        "archive",
        MessageClass::Notification,
        opened,
        DELIVERED,
    ));
    assert!(why.ends_with("the hub had ended its subscription"), "{why}");
}

#[test]
fn a_webhook_that_never_came_about_is_judged_for_itself() {
    let mut example = Example::new(Version::Stu2);
    example.subscribe("viewer", "Patient-open");
    example.ask_for_webhook("archive", "https://archive.example.com", "Patient-open");
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    let about_event = why(&example, "archive", MessageClass::Notification, opened, DELIVERED);
    assert!(unreached(about_event).ends_with("the subscription of archive never came about"));
    // What is said of the subscription itself may come all the same.
    broken(why(&example, "archive", MessageClass::Denial, opened, DELIVERED));
}

#[test]
fn a_frame_that_is_no_json_may_have_been_the_message() {
    let (mut example, opened) = opened();
    let spot = example.frame("archive", 0, "no JSON");
    let why_not = unreached(why(
        &example,
        "archive",
        MessageClass::Notification,
        opened,
        DELIVERED,
    ));
    assert!(
        why_not.ends_with(&format!("message {} is not JSON", spot.sequence)),
        "{why_not}"
    );
    // One before the publication was none of it.
    let second = example.publish("viewer", "Patient-open");
    example.deliver("viewer", second);
    broken(why(
        &example,
        "archive",
        MessageClass::Notification,
        second,
        DELIVERED,
    ));
}

#[test]
fn an_event_that_was_refused_comes_to_nobody() {
    let (mut example, opened) = opened();
    example.publication(opened).accepted = false;
    let unheld = why(&example, "archive", MessageClass::Notification, opened, DELIVERED);
    let Unheld::Inapplicable(why) = unheld else {
        panic!("{unheld:?}")
    };
    assert!(why.ends_with("the hub did not accept Patient-open"), "{why}");
}

#[test]
fn of_an_event_that_reached_nobody_only_its_delivery_is_judged() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    broken(why(
        &example,
        "archive",
        MessageClass::Notification,
        opened,
        DELIVERED,
    ));
    let other = why(
        &example,
        "archive",
        MessageClass::Notification,
        opened,
        CONTEXT_UNALTERED,
    );
    assert!(unreached(other).ends_with("Patient-open reached nobody at all"));
    // Where the hub distributes other events, it is telling.
    let second = example.publish("viewer", "Patient-close");
    example.deliver("viewer", second);
    broken(why(
        &example,
        "archive",
        MessageClass::Notification,
        opened,
        CONTEXT_UNALTERED,
    ));
}

#[test]
fn a_sync_error_is_missed_where_somebody_did_not_take_the_event() {
    for (code, missed) in [(Some(200), false), (Some(409), true), (None, true)] {
        let (mut example, opened) = opened();
        let refusal = code.map(|code| {
            example.deliver("archive", opened);
            example.acknowledge("archive", "event-0", code)
        });
        if code.is_none() {
            example.deliver("archive", opened);
        }
        let unheld = why(&example, "viewer", MessageClass::SyncError, opened, REFUSED);
        if missed {
            let breach = broken(unheld);
            if let Some(refusal) = refusal {
                let shown = |place: &crate::hub::Place| place.sequence == refusal.sequence;
                assert!(breach.places.iter().any(shown), "the refusal is shown");
            }
        } else {
            assert!(unreached(unheld).ends_with("every subscriber that Patient-open reached took it"));
        }
    }
}

#[test]
fn a_sync_error_is_not_missed_where_the_event_reached_no_other_subscriber() {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    let unheld = why(&example, "viewer", MessageClass::SyncError, opened, REFUSED);
    assert!(unreached(unheld).ends_with("Patient-open reached no other subscriber, so none could refuse it"));
}

/// What it says that the archive got copies of an event after a certain point though it must not.
fn again(copies_of_others: usize) -> Unheld {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    let first = example.deliver("archive", opened);
    example.deliver("archive", opened);
    for _ in 0..copies_of_others {
        example.deliver("viewer", opened);
    }
    let expected = Expected {
        at: "archive",
        selection: &Selection {
            after: Some(first.sequence),
            ..selection(MessageClass::Notification, Some(opened))
        },
        words: "notification",
        requirement: DELIVERED,
        unmet: Unmet::ByLevel,
    };
    let found = example.subscriber("archive").received.last().unwrap().clone();
    unwanted(&example.conversation, &expected, &found, 1)
}

#[test]
fn what_must_not_come_is_a_breach() {
    let breach = broken(again(1));
    assert_eq!(
        breach.message,
        "archive received a notification that it must not receive"
    );
    assert_eq!(breach.expected.as_deref(), Some("no notification at archive"));
    assert_eq!(breach.places.len(), 3);
    broken(again(0));
}

#[test]
fn what_comes_again_to_everybody_says_nothing_of_one_subscription() {
    let unheld = again(2);
    assert!(matches!(unheld, Unheld::Inapplicable(_)), "{unheld:?}");
}

/// The SyncError that is taken for the one about the opened patient, and where it stands.
fn nameless(about: &str, later_event: bool) -> Option<(bool, Breach)> {
    let (mut example, opened) = opened();
    example.deliver("archive", opened);
    if later_event {
        example.publish("viewer", "Patient-close");
    }
    let spot = example.send("viewer", &sync_error("error", about));
    let candidates = example.subscriber("viewer").received.clone();
    let sync_errors: Vec<_> = candidates
        .into_iter()
        .filter(|received| selection(MessageClass::SyncError, None).picks(&example.conversation, received))
        .collect();
    let expected = Expected {
        at: "viewer",
        selection: &selection(MessageClass::SyncError, Some(opened)),
        words: "SyncError",
        requirement: REFUSED,
        unmet: Unmet::ByLevel,
    };
    let found = nameless_sync_error(&example.conversation, &expected, &sync_errors)?;
    Some((found.0.spot == spot, found.1))
}

#[test]
fn a_sync_error_that_names_no_event_is_taken_for_the_one_about_the_last_event() {
    let (is_it, breach) = nameless("nobody knows", false).unwrap();
    assert!(is_it);
    assert_eq!(breach.expected.as_deref(), Some("event-0"));
    assert_eq!(breach.observed.as_deref(), Some("nobody knows"));
    assert!(nameless("event-0", false).is_none(), "it names its event");
    assert!(
        nameless("nobody knows", true).is_none(),
        "another event came after"
    );
}

#[test]
fn a_socket_that_stays_open_is_told_with_the_last_messages() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    for _ in 0..5 {
        example.deliver("viewer", opened);
    }
    example.frame("viewer", 0, "no JSON");
    example.send("viewer", &json!({"hub.mode": "denied"}));
    example.send("viewer", &json!({"hello": 1}));
    let breach = not_closed(example.subscriber("viewer"));
    assert_eq!(breach.message, "the hub did not close the WebSocket of viewer");
    assert_eq!(
        breach.observed.as_deref(),
        Some(
            "an open WebSocket; last: Patient-open with id \"event-0\"; a frame that is not JSON; \
             a control message with hub.mode 'denied'; a message of no known kind"
        )
    );
    assert_eq!(breach.places.len(), 4);
}
