//! Who is owed what, on the edges of subscriptions and answers.

use super::*;
use crate::Spot;
use crate::hub::example::{Example, events};

fn names(example: &Example) -> Vec<String> {
    let all = owed(&example.conversation).into_iter();
    all.map(|owed| owed.to).collect()
}

/// Who is owed a SyncError, and about what.
fn told(example: &Example) -> Vec<(String, String)> {
    let all = owed_sync_errors(&example.conversation).into_iter();
    all.map(|owed| (owed.to, owed.event_id)).collect()
}

fn pair(to: &str, event_id: &str) -> (String, String) {
    (to.to_owned(), event_id.to_owned())
}

#[test]
fn a_publication_is_owed_by_its_position_to_each_by_name() {
    let mut example = Example::with(&["viewer", "archive"]);
    example.publish("viewer", "Patient-open");
    let refused = example.publish("viewer", "Patient-open");
    example.publication(refused).accepted = false;
    let closed = example.publish("viewer", "Patient-close");
    let expected: Vec<Owed> = [
        (0, "archive"),
        (0, "viewer"),
        (closed, "archive"),
        (closed, "viewer"),
    ]
    .into_iter()
    .map(|(publication, to)| Owed {
        publication,
        to: to.to_owned(),
    })
    .collect();
    assert_eq!(owed(&example.conversation), expected);
}

#[test]
fn a_subscriber_is_owed_what_was_published_after_it_settled() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let requested = example.publication(opened).requested;
    let before = Spot {
        sequence: requested.sequence - 1,
        ..requested
    };
    for (spot, is_owed) in [(before, true), (requested, false)] {
        example.subscription("viewer").confirmed = Some(spot);
        assert_eq!(names(&example).len(), usize::from(is_owed));
    }
    // A re-subscription in between counts as well.
    example.subscription("viewer").confirmed = Some(before);
    example.subscription("viewer").replaced.push(requested);
    assert_eq!(names(&example), Vec::<String>::new());
}

#[test]
fn nothing_is_owed_once_the_lease_has_run_out() {
    for (seconds, is_owed) in [(0.0, true), (10_000.0, false)] {
        let mut example = Example::with(&["viewer"]);
        example.pass(seconds);
        example.publish("viewer", "Patient-open");
        assert_eq!(names(&example).len(), usize::from(is_owed), "after {seconds} s");
    }
}

#[test]
fn nothing_is_owed_without_a_subscription_or_before_its_confirmation() {
    let mut example = Example::with(&["viewer"]);
    example.open("session", "late");
    example.publish("viewer", "Patient-open");
    assert_eq!(names(&example), ["viewer"]);
    example.subscription("viewer").confirmed = None;
    assert_eq!(names(&example), Vec::<String>::new());
}

#[test]
fn what_counts_is_what_is_granted_now() {
    let mut example = Example::with(&["viewer"]);
    example.publish("viewer", "Patient-open");
    example.subscription("viewer").current = events("Patient-close");
    assert_eq!(names(&example), Vec::<String>::new());
}

#[test]
fn a_sync_error_of_nobody_known_is_owed_to_all() {
    let mut example = Example::with(&["viewer", "archive"]);
    let published = example.publish("viewer", "SyncError");
    example.publication(published).by = None;
    assert_eq!(names(&example), ["archive", "viewer"]);
}

#[test]
fn each_other_follower_is_owed_a_sync_error_about_each_refusal() {
    let mut example = Example::with(&["viewer", "archive", "reader"]);
    example.acknowledge("viewer", "event-0", 202);
    assert_eq!(told(&example), []);
    example.acknowledge("viewer", "event-1", 409);
    example.acknowledge("archive", "event-2", 500);
    assert_eq!(
        told(&example),
        [
            pair("archive", "event-1"),
            pair("reader", "event-1"),
            pair("reader", "event-2"),
            pair("viewer", "event-2"),
        ]
    );
}

#[test]
fn no_sync_error_is_owed_to_those_who_left_or_do_not_follow() {
    let mut example = Example::with(&["viewer", "archive", "reader"]);
    example.open("session", "late");
    example.subscribe_in("other session", "stranger", "SyncError");
    example.acknowledge("viewer", "event-1", 409);
    example.close("archive", false, None);
    example.subscription("reader").current = events("Patient-open");
    assert_eq!(told(&example), []);
}

#[test]
fn the_answer_of_somebody_unknown_owes_nobody_anything() {
    let mut example = Example::with(&["viewer", "archive"]);
    example.acknowledge("viewer", "event-1", 409);
    example.conversation.subscribers.remove("viewer");
    assert_eq!(told(&example), []);
}
