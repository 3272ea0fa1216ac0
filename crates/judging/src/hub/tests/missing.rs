//! Messages that did not come, and messages that came though they must not.

use serde_json::json;

use crate::Signature;
use crate::hub::example::{Example, sync_error};
use crate::hub::ids::{DELIVERED, ORDER};
use crate::hub::{
    Breach, Expected, MessageClass, Selection, Unheld, nameless_sync_error, not_closed, unwanted, why_missing,
};
use crate::outcome::Traffic;
use crate::protocol::Version;
use crate::schema::Unmet;

/// A requirement that is about something else than delivery.
const OTHER: &str = ORDER;

fn selection(class: MessageClass, publication: Option<usize>) -> Selection {
    Selection {
        class,
        event: None,
        publication,
        after: None,
    }
}

fn event(publication: usize) -> Selection {
    selection(MessageClass::Notification, Some(publication))
}

fn error_about(publication: usize) -> Selection {
    selection(MessageClass::SyncError, Some(publication))
}

/// Why no such message came to the archive.
fn missing(example: &Example, selection: &Selection, requirement: &'static str) -> Unheld {
    missing_at(example, "archive", selection, requirement)
}

fn missing_at(example: &Example, at: &str, selection: &Selection, requirement: &'static str) -> Unheld {
    let expected = Expected {
        at,
        selection,
        words: "message",
        requirement: Some(&requirement.into()),
        unmet: Unmet::ByLevel,
    };
    why_missing(&example.conversation, &expected)
}

fn broken(unheld: Unheld) -> Breach {
    match unheld {
        Unheld::Broken(breach) => breach,
        other => panic!("{other:?}"),
    }
}

fn unreached(unheld: Unheld) -> String {
    match unheld {
        Unheld::Unreached(why) => why,
        other => panic!("{other:?}"),
    }
}

fn inapplicable(unheld: Unheld) -> String {
    match unheld {
        Unheld::Inapplicable(why) => why,
        other => panic!("{other:?}"),
    }
}

fn places(breach: &Breach) -> Vec<usize> {
    breach.places.iter().map(|place| place.sequence).collect()
}

/// The viewer has opened a patient; viewer and archive follow.
fn opened() -> (Example, usize) {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    (example, opened)
}

/// The same, and viewer and archive got it.
fn delivered() -> (Example, usize) {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    (example, opened)
}

/// Positions of a publication and of its answer.
fn cause_of(example: &mut Example, position: usize) -> Vec<usize> {
    let publication = example.publication(position);
    vec![publication.requested.sequence, publication.answered.sequence]
}

#[test]
fn a_message_that_did_not_come_is_told_with_what_it_should_come_of() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    let breach = broken(missing(&example, &event(opened), OTHER));
    assert_eq!(
        breach.message,
        "archive did not receive the message that it had to"
    );
    assert_eq!(breach.expected.as_deref(), Some("a message at archive"));
    assert_eq!(breach.observed.as_deref(), Some("nothing"));
    assert_eq!(breach.unmet, Unmet::ByLevel);
    assert_eq!(places(&breach), cause_of(&mut example, opened));
}

#[test]
fn a_message_that_did_not_come_may_be_a_softer_breach() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    let expected = Expected {
        at: "archive",
        selection: &event(opened),
        words: "message",
        requirement: Some(&OTHER.into()),
        unmet: Unmet::Warn,
    };
    let breach = broken(why_missing(&example.conversation, &expected));
    assert_eq!(breach.unmet, Unmet::Warn);
}

#[test]
fn what_came_instead_is_told() {
    let (mut example, opened) = opened();
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("viewer", closed);
    let came = example.deliver("archive", opened);
    let breach = broken(missing(&example, &event(closed), OTHER));
    assert_eq!(
        breach.observed.as_deref(),
        Some("Patient-open with id \"event-0\"")
    );
    let mut shown = cause_of(&mut example, closed);
    shown.push(came.sequence);
    assert_eq!(places(&breach), shown);
}

#[test]
fn the_last_four_messages_are_told_in_words() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    let archive = "archive";
    example.send(
        archive,
        &json!({"id": "earlier", "event": {"hub.event": "Home-open"}}),
    );
    let shown = [
        json!({"hub.mode": "denied"}),
        json!({"event": {"hub.event": "Home-open"}}),
        json!({"id": "7", "event": {"hub.event": "nonsense"}}),
        json!({"id": 7, "event": {"hub.event": "UserLogout"}}),
    ]
    .map(|message| example.send(archive, &message).sequence);
    let breach = broken(missing(&example, &event(opened), OTHER));
    assert_eq!(
        breach.observed.as_deref(),
        Some(
            "a control message with hub.mode 'denied'; Home-open with id null; a message of no known kind; \
             UserLogout with id 7"
        )
    );
    assert_eq!(places(&breach)[2..], shown);
}

#[test]
fn nobody_has_received_nothing() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    let breach = broken(missing_at(&example, "stranger", &event(opened), OTHER));
    assert_eq!(breach.observed.as_deref(), Some("nothing"));
    assert_eq!(
        breach.message,
        "stranger did not receive the message that it had to"
    );
}

#[test]
fn a_hub_owes_nothing_once_it_has_ended_the_subscription() {
    for (by_hub, ended) in [(true, true), (false, false)] {
        let (mut example, opened) = opened();
        example.deliver("viewer", opened);
        example.close("archive", by_hub, Some(1001));
        let unheld = missing(&example, &event(opened), OTHER);
        match ended {
            true => assert_eq!(
                unreached(unheld),
                "archive did not receive the message that it had to: the hub had ended its subscription"
            ),
            // The subscriber's own end is not told as something that came.
            false => assert_eq!(broken(unheld).observed.as_deref(), Some("nothing")),
        }
    }
}

#[test]
fn a_close_by_the_hub_is_told_where_it_was_asked_for() {
    for (code, told) in [
        (Some(1001), "the WebSocket was closed (code 1001)"),
        (None, "the WebSocket was closed (no code)"),
    ] {
        let (mut example, opened) = opened();
        let spot = example.deliver("viewer", opened);
        example.subscription("archive").ended = Some(spot);
        example.close("archive", true, code);
        let breach = broken(missing(&example, &event(opened), OTHER));
        assert_eq!(breach.observed.as_deref(), Some(told));
    }
}

#[test]
fn an_event_cannot_come_before_the_webhook_is_verified() {
    let mut example = Example::new(Version::Stu2);
    example.subscribe("viewer", "Patient-open");
    example.ask_for_webhook("archive", "https://archive.example.com/callback", "Patient-open");
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    for selection in [event(opened), selection(MessageClass::SyncError, None)] {
        assert_eq!(
            unreached(missing(&example, &selection, OTHER)),
            "archive did not receive the message that it had to: the subscription of archive never came about"
        );
    }
    // The verification itself is what the hub owes.
    broken(missing(
        &example,
        &selection(MessageClass::Verification, None),
        OTHER,
    ));
    example.verify("archive", &example.verification("challenge", "Patient-open"));
    broken(missing(&example, &event(opened), OTHER));
}

#[test]
fn a_web_socket_that_was_never_confirmed_is_no_excuse() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.open("session", "late");
    broken(missing_at(&example, "late", &event(opened), OTHER));
}

#[test]
fn an_event_may_be_among_what_is_no_json() {
    let (mut example, _) = opened();
    example.frame("archive", 0, "no JSON");
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("viewer", closed);
    broken(missing(&example, &event(closed), OTHER));
    let spot = example.frame("archive", 0, "no JSON");
    assert_eq!(
        unreached(missing(&example, &event(closed), OTHER)),
        format!(
            "archive did not receive the message that it had to: message {} is not JSON",
            spot.sequence
        )
    );
    // A confirmation is told with what came.
    let breach = broken(missing(
        &example,
        &selection(MessageClass::Confirmation, None),
        OTHER,
    ));
    let observed = breach.observed.unwrap();
    assert!(observed.ends_with("a frame that is not JSON"), "{observed}");
}

#[test]
fn an_event_that_was_refused_need_not_come() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.publication(opened).accepted = false;
    assert_eq!(
        inapplicable(missing(&example, &event(opened), OTHER)),
        "archive did not receive the message that it had to: the hub did not accept Patient-open"
    );
}

#[test]
fn an_event_that_reached_nobody_is_judged_as_undelivered_and_as_nothing_else() {
    let (mut example, opened) = opened();
    assert_eq!(
        unreached(missing(&example, &event(opened), OTHER)),
        "archive did not receive the message that it had to: Patient-open reached nobody at all"
    );
    broken(missing(&example, &event(opened), DELIVERED));
    // The hub distributes other events: that this one came to nobody is telling.
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("viewer", closed);
    broken(missing(&example, &event(opened), OTHER));
}

#[test]
fn an_event_that_came_to_the_subscriber_itself_went_out() {
    let (mut example, opened) = opened();
    example.deliver("archive", opened);
    broken(missing(&example, &event(opened), OTHER));
}

#[test]
fn a_message_that_comes_of_no_publication_has_to_come() {
    let (example, _) = opened();
    let breach = broken(missing(
        &example,
        &selection(MessageClass::Notification, None),
        OTHER,
    ));
    // Without a publication all that ever came is told.
    assert_eq!(
        breach.observed.as_deref(),
        Some("a control message with hub.mode 'subscribe'")
    );
    assert_eq!(breach.places.len(), 1);
    broken(missing(&example, &event(7), OTHER));
}

#[test]
fn a_sync_error_is_missed_where_another_subscriber_did_not_take_the_event() {
    let (mut example, opened) = delivered();
    let about = error_about(opened);
    // Silence is no success.
    broken(missing(&example, &about, OTHER));
    let refused = example.acknowledge("viewer", "event-0", 409);
    let breach = broken(missing(&example, &about, OTHER));
    let mut shown = cause_of(&mut example, opened);
    shown.push(refused.sequence);
    assert_eq!(places(&breach)[..3], shown);
}

#[test]
fn no_sync_error_is_missed_where_everybody_took_the_event() {
    let (mut example, opened) = delivered();
    let about = error_about(opened);
    example.acknowledge("viewer", "another", 200);
    broken(missing(&example, &about, OTHER));
    example.acknowledge("viewer", "event-0", 200);
    let everybody_took_it = "archive did not receive the message that it had to: every subscriber that Patient-open \
                             reached took it";
    assert_eq!(unreached(missing(&example, &about, OTHER)), everybody_took_it);
    assert_eq!(
        unreached(missing(&example, &about, "syncerror.subscriber-distributed")),
        everybody_took_it
    );
    // The one who is to be told does not count.
    example.acknowledge("archive", "event-0", 409);
    assert_eq!(unreached(missing(&example, &about, OTHER)), everybody_took_it);
}

#[test]
fn a_subscriber_that_the_event_did_not_reach_need_not_take_it() {
    let mut example = Example::with(&["viewer", "archive", "reader"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example.acknowledge("viewer", "event-0", 200);
    assert!(
        unreached(missing(&example, &error_about(opened), OTHER)).ends_with("reached took it"),
        "the reader did not get it"
    );
}

#[test]
fn only_the_refusals_of_the_event_are_shown() {
    let (mut example, opened) = delivered();
    example.acknowledge("archive", "event-0", 200);
    let refused = example.acknowledge("viewer", "event-0", 409);
    example.acknowledge("viewer", "event-7", 409);
    let breach = broken(missing(&example, &error_about(opened), OTHER));
    let mut shown = cause_of(&mut example, opened);
    let came = example.subscriber("archive").received[1].spot.sequence;
    shown.extend([refused.sequence, came]);
    assert_eq!(places(&breach), shown);
}

#[test]
fn the_answer_of_another_is_not_the_subscribers() {
    let (mut example, opened) = delivered();
    example.acknowledge("archive", "event-0", 200);
    broken(missing(&example, &error_about(opened), OTHER));
}

#[test]
fn an_event_may_be_taken_under_the_id_that_the_hub_gave_it() {
    let (mut example, opened) = opened();
    example.deliver_changed("viewer", opened, |message| message["id"] = json!("another"));
    example.acknowledge("viewer", "another", 200);
    assert!(
        unreached(missing(&example, &error_about(opened), OTHER)).ends_with("reached took it"),
        "a success under another id"
    );
}

#[test]
fn only_who_got_the_event_can_refuse_it() {
    let (mut example, opened) = opened();
    let about = error_about(opened);
    let not_reached = "archive did not receive the message that it had to: Patient-open reached no other subscriber, so \
                       none could refuse it";
    assert_eq!(unreached(missing(&example, &about, OTHER)), not_reached);
    // Other events that the hub distributes say nothing of that.
    let closed = example.publish("viewer", "Patient-close");
    example.deliver("viewer", closed);
    assert_eq!(unreached(missing(&example, &about, OTHER)), not_reached);
    example.deliver("viewer", opened);
    broken(missing(&example, &about, OTHER));
}

#[test]
fn a_subscriber_of_another_topic_cannot_refuse_the_event() {
    let mut example = Example::with(&["archive"]);
    example.subscribe_in("other session", "stranger", "Patient-open");
    let opened = example.publish("archive", "Patient-open");
    example.deliver("stranger", opened);
    for _ in 0..2 {
        assert!(
            unreached(missing(&example, &error_about(opened), OTHER)).contains("reached no other subscriber"),
            "a leak is no delivery"
        );
        // Nor can the one who is to be told.
        example.deliver("archive", opened);
    }
}

#[test]
fn a_published_sync_error_is_an_event_like_any_other() {
    let mut example = Example::with(&["viewer", "archive"]);
    let published = example.publish("viewer", "SyncError");
    let selection = error_about(published);
    assert!(unreached(missing(&example, &selection, OTHER)).ends_with("SyncError reached nobody at all"));
    broken(missing(&example, &selection, "syncerror.subscriber-distributed"));
}

/// What it says that the archive got a message that it must not get.
fn came_to_archive(example: &Example, selection: &Selection, unmet: Unmet) -> Unheld {
    let expected = Expected {
        at: "archive",
        selection,
        words: "message",
        requirement: Some(&OTHER.into()),
        unmet,
    };
    let received = &example.conversation.subscribers["archive"].received;
    unwanted(&example.conversation, &expected, received.last().unwrap(), 2)
}

#[test]
fn a_message_that_must_not_come_is_told_with_its_cause() {
    let (mut example, opened) = delivered();
    let breach = broken(came_to_archive(&example, &event(opened), Unmet::Warn));
    assert_eq!(
        breach.message,
        "archive received a message that it must not receive"
    );
    assert_eq!(breach.expected.as_deref(), Some("no message at archive"));
    assert_eq!(breach.observed.as_deref(), Some("2 of them"));
    assert_eq!(breach.unmet, Unmet::Warn);
    let mut shown = cause_of(&mut example, opened);
    shown.push(example.subscriber("archive").received[1].spot.sequence);
    assert_eq!(places(&breach), shown);
}

#[test]
fn a_repetition_says_nothing_where_all_others_get_one_too() {
    for (copies_to_viewer, copies_to_reader, says_nothing) in [
        (0, 0, false),
        (1, 0, false),
        (2, 0, true),
        (3, 2, true),
        (2, 1, false),
    ] {
        let mut example = Example::with(&["viewer", "archive", "reader"]);
        example.subscribe_in("other session", "stranger", "Patient-open");
        let opened = example.publish("viewer", "Patient-open");
        let first = example.deliver("archive", opened);
        example.deliver("archive", opened);
        example.deliver("stranger", opened);
        for _ in 0..copies_to_viewer {
            example.deliver("viewer", opened);
        }
        for _ in 0..copies_to_reader {
            example.deliver("reader", opened);
        }
        let mut again = event(opened);
        broken(came_to_archive(&example, &again, Unmet::ByLevel));
        again.after = Some(first.sequence);
        let unheld = came_to_archive(&example, &again, Unmet::ByLevel);
        let case = format!("{copies_to_viewer} {copies_to_reader}");
        match says_nothing {
            true => assert_eq!(
                inapplicable(unheld),
                "the hub delivers this event more than once to the other subscribers as well",
                "{case}"
            ),
            false => assert_eq!(places(&broken(unheld)).len(), 3, "{case}"),
        }
        // What comes of no publication, or of none that there is, is no repetition.
        for publication in [None, Some(7)] {
            again.publication = publication;
            broken(came_to_archive(&example, &again, Unmet::ByLevel));
        }
    }
}

/// The SyncError that is meant to be about this publication, and the breach that it is.
fn nameless(example: &Example, at: &str, selection: &Selection) -> Option<(usize, Breach)> {
    let expected = Expected {
        at,
        selection,
        words: "message",
        requirement: Some(&OTHER.into()),
        unmet: Unmet::ByLevel,
    };
    let candidates = &example.conversation.subscribers["viewer"].received;
    let found = nameless_sync_error(&example.conversation, &expected, &candidates[1..])?;
    Some((found.0.spot.sequence, found.1))
}

#[test]
fn a_sync_error_with_a_wrong_id_is_about_the_last_event_before_it() {
    let (mut example, opened) = opened();
    let first = example.sync_error("viewer", "error", "event-7");
    example.sync_error("viewer", "another error", "event-8");
    let (sequence, breach) = nameless(&example, "viewer", &error_about(opened)).unwrap();
    assert_eq!(sequence, first.sequence);
    assert_eq!(breach.message, "the SyncError names no event that was published");
    assert_eq!(breach.expected.as_deref(), Some("event-0"));
    assert_eq!(breach.observed.as_deref(), Some("event-7"));
    let mut shown = cause_of(&mut example, opened);
    shown.push(first.sequence);
    assert_eq!(places(&breach), shown);
}

#[test]
fn a_sync_error_that_names_an_event_is_about_that_one() {
    let (mut example, opened) = opened();
    example.deliver_changed("archive", opened, |message| message["id"] = json!("another"));
    example.sync_error("viewer", "error", "event-0");
    example.sync_error("viewer", "error", "another");
    let mut of_two = sync_error("error", "event-7");
    let known = sync_error("error", "event-0")["event"]["context"][0].take();
    of_two["event"]["context"].as_array_mut().unwrap().push(known);
    example.send("viewer", &of_two);
    assert!(nameless(&example, "viewer", &error_about(opened)).is_none());
    example.sync_error("viewer", "error", "event-7");
    assert!(nameless(&example, "viewer", &error_about(opened)).is_some());
}

#[test]
fn a_sync_error_after_a_later_event_is_not_about_this_one() {
    let (mut example, opened) = opened();
    let closed = example.publish("viewer", "Patient-close");
    example.sync_error("viewer", "error", "event-7");
    assert!(nameless(&example, "viewer", &error_about(opened)).is_none());
    assert!(nameless(&example, "viewer", &error_about(closed)).is_some());
}

#[test]
fn a_copy_of_a_published_sync_error_is_not_the_hubs() {
    let (mut example, opened) = opened();
    let published = example.publish("archive", "SyncError");
    example.publication(published).context = sync_error("", "event-7")["event"]["context"].take();
    example.deliver("viewer", published);
    assert!(nameless(&example, "viewer", &error_about(opened)).is_none());
    // The published SyncError itself is no event that others are about.
    assert!(nameless(&example, "viewer", &error_about(published)).is_none());
}

#[test]
fn a_sync_error_of_another_topic_is_not_about_this_event() {
    let (mut example, opened) = opened();
    let mut leaked = sync_error("error", "event-7");
    leaked["event"]["hub.topic"] = json!("other session");
    example.send("viewer", &leaked);
    assert!(nameless(&example, "viewer", &error_about(opened)).is_none());
}

#[test]
fn only_a_sync_error_about_an_event_can_be_nameless() {
    let (mut example, opened) = opened();
    example.sync_error("viewer", "error", "event-7");
    for selection in [
        event(opened),
        error_about(7),
        selection(MessageClass::SyncError, None),
    ] {
        assert!(
            nameless(&example, "viewer", &selection).is_none(),
            "{selection:?}"
        );
    }
    assert!(nameless(&example, "stranger", &error_about(opened)).is_none());
}

#[test]
fn a_web_socket_that_stayed_open_is_told_with_what_came_over_it() {
    let (mut example, opened) = opened();
    let last = example.deliver("archive", opened);
    let breach = not_closed(example.subscriber("archive"));
    assert_eq!(breach.message, "the hub did not close the WebSocket of archive");
    assert_eq!(breach.expected.as_deref(), Some("a closed WebSocket"));
    assert_eq!(
        breach.observed.as_deref(),
        Some(
            "an open WebSocket; last: a control message with hub.mode 'subscribe'; Patient-open with id \"event-0\""
        )
    );
    assert_eq!(places(&breach).last(), Some(&last.sequence));
    assert_eq!(breach.places.len(), 2);
}

#[test]
fn an_answer_of_a_callback_refuses_an_event_as_a_frame_does() {
    let mut example = Example::new(Version::Stu2);
    example.subscribe("archive", "Patient-open,SyncError");
    example.subscribe_webhook("viewer", "https://viewer.example.com/callback", "Patient-open");
    let opened = example.publish("archive", "Patient-open");
    let body = example.notification(opened).to_string();
    for (status, is_missed) in [(409, true), (200, false)] {
        let called = example.call("viewer", "POST", "", &body, Signature::Right(0));
        example.add(
            "viewer",
            Traffic::CallbackResponse {
                to: called.sequence,
                status,
                headers: Vec::new(),
                body: String::new(),
            },
        );
        let unheld = missing(&example, &error_about(opened), OTHER);
        match is_missed {
            true => drop(broken(unheld)),
            false => drop(unreached(unheld)),
        }
    }
}
