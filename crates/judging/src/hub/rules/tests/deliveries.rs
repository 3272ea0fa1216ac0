//! Whoever is owed an event gets it, and gets it once.

use serde_json::json;

use super::{FAIL, PASS, WARN};
use crate::hub::example::Example;
use crate::hub::ids::{BROADCAST_TO_REQUESTER, DELIVERED, ONCE};
use crate::hub::rules::{Owed, owed, owed_sync_errors};

/// The viewer has opened a patient; viewer and archive follow.
fn opened() -> (Example, usize) {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    (example, opened)
}

fn owed_to(example: &Example) -> Vec<String> {
    let all = owed(&example.conversation).into_iter();
    all.map(|owed| owed.to).collect()
}

#[test]
fn an_event_comes_to_everybody_who_follows_it() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    let findings = example.judged();
    assert_eq!(findings.verdict(DELIVERED), PASS);
    assert_eq!(findings.verdict(BROADCAST_TO_REQUESTER), PASS);
    assert_eq!(findings.verdict(ONCE), PASS);
}

#[test]
fn an_event_that_does_not_come_to_a_follower_is_missed_there() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    let findings = example.judged();
    assert_eq!(findings.verdict(DELIVERED), FAIL);
    assert_eq!(findings.verdict(BROADCAST_TO_REQUESTER), PASS);
    let check = findings.check(DELIVERED).unwrap();
    assert_eq!(
        check.message,
        "archive did not receive Patient-open, to which it is subscribed"
    );
}

#[test]
fn an_event_that_does_not_come_to_its_publisher_is_missed_there() {
    let (mut example, opened) = opened();
    example.deliver("archive", opened);
    let findings = example.judged();
    assert_eq!(findings.verdict(DELIVERED), PASS);
    assert_eq!(findings.verdict(BROADCAST_TO_REQUESTER), FAIL);
}

#[test]
fn nothing_is_owed_of_an_event_that_was_refused() {
    let (mut example, opened) = opened();
    example.publication(opened).accepted = false;
    assert_eq!(owed_to(&example), Vec::<String>::new());
    assert_eq!(example.verdict(DELIVERED), None);
}

#[test]
fn nothing_is_judged_of_an_event_that_may_be_refused() {
    let (mut example, opened) = opened();
    example.publication(opened).proper = false;
    assert_eq!(owed_to(&example), ["archive", "viewer"]);
    assert_eq!(example.verdict(DELIVERED), None);
}

#[test]
fn an_event_is_owed_within_its_topic_only() {
    let mut example = Example::with(&["viewer"]);
    example.subscribe_in("other session", "archive", "Patient-open");
    example.publish("viewer", "Patient-open");
    assert_eq!(owed_to(&example), ["viewer"]);
}

#[test]
fn an_event_is_owed_to_those_who_were_granted_it() {
    let mut example = Example::with(&["viewer"]);
    example.subscribe("archive", "Patient-close");
    example.publish("viewer", "Patient-open");
    assert_eq!(owed_to(&example), ["viewer"]);
}

#[test]
fn an_event_is_owed_to_those_who_were_there_before() {
    let mut example = Example::with(&["viewer"]);
    example.publish("viewer", "Patient-open");
    example.subscribe("archive", "Patient-open");
    assert_eq!(owed_to(&example), ["viewer"]);
}

#[test]
fn nothing_is_owed_to_those_who_left() {
    let (mut example, opened) = opened();
    let left = example.publication(opened).answered;
    example.subscription("archive").ended = Some(left);
    assert_eq!(owed_to(&example), ["viewer"]);
    example.close("viewer", false, Some(1000));
    assert_eq!(owed_to(&example), Vec::<String>::new());
}

#[test]
fn nothing_is_owed_over_the_socket_of_a_replaced_subscription() {
    let (mut example, _) = opened();
    // The socket that closed is that of an earlier subscription: the one of now goes on.
    example.close("archive", true, None);
    let socket = example.subscription("archive").socket;
    example.subscription("archive").socket = socket.map(|socket| socket + 1);
    assert_eq!(owed_to(&example), ["archive", "viewer"]);
}

#[test]
fn a_sync_error_is_owed_to_all_but_its_publisher() {
    let mut example = Example::with(&["viewer", "archive"]);
    example.publish("viewer", "SyncError");
    assert_eq!(owed_to(&example), ["archive"]);
}

#[test]
fn a_select_that_does_not_come_warns() {
    let mut example = Example::with(&["viewer"]);
    example.subscribe("archive", "Patient-select");
    example.publish("viewer", "Patient-select");
    assert_eq!(example.verdict(DELIVERED), WARN);
}

#[test]
fn an_event_that_is_refused_by_a_sync_error_need_not_come() {
    let (mut example, _) = opened();
    example.sync_error("viewer", "error", "event-0");
    let findings = example.judged();
    assert_eq!(findings.verdict(DELIVERED), None);
    let subjects: Vec<&str> = findings
        .observations
        .iter()
        .map(|observation| observation.subject.as_str())
        .collect();
    assert_eq!(subjects, ["late-refusal"]);
}

#[test]
fn a_sync_error_about_another_event_or_to_another_subscriber_refuses_nothing() {
    for (to, about) in [("viewer", "event-7"), ("archive", "event-0")] {
        let (mut example, _) = opened();
        example.sync_error(to, "error", about);
        assert_eq!(example.verdict(DELIVERED), FAIL, "{to} {about}");
    }
}

#[test]
fn an_event_that_reached_somebody_was_not_refused_later() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.sync_error("viewer", "error", "event-0");
    assert_eq!(example.verdict(DELIVERED), FAIL);
}

#[test]
fn an_event_comes_once() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    let first = example.deliver("archive", opened);
    let second = example.deliver("archive", opened);
    let findings = example.judged();
    assert_eq!(findings.verdict(ONCE), WARN);
    assert_eq!(findings.evidence(ONCE), [first.sequence, second.sequence]);
}

#[test]
fn an_event_may_come_again_where_somebody_did_not_take_it() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    example.deliver("archive", opened);
    example.subscriber("viewer").exact = false;
    let findings = example.judged();
    assert_eq!(findings.verdict(ONCE), None);
    assert_eq!(findings.verdict(DELIVERED), PASS);
}

#[test]
fn an_event_may_come_again_after_a_re_subscription() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    let replaced = example.deliver("archive", opened);
    example.deliver("archive", opened);
    example.subscription("archive").replaced.push(replaced);
    let owed = [Owed {
        publication: opened,
        to: "archive".to_owned(),
    }];
    assert_eq!(example.judged_with(&owed).verdict(ONCE), None);
}

#[test]
fn a_copy_under_another_id_counts_as_delivered() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.deliver_changed("archive", opened, |message| message["id"] = json!("another"));
    assert_eq!(example.verdict(DELIVERED), PASS);
}

#[test]
fn a_derived_event_beside_the_original_is_no_second_copy() {
    let (mut example, opened) = opened();
    example.deliver("viewer", opened);
    example.deliver("archive", opened);
    example.deliver_changed("archive", opened, |message| message["id"] = json!("another"));
    assert_eq!(example.verdict(ONCE), PASS);
}

#[test]
fn sync_errors_are_owed_to_the_others_about_what_was_refused() {
    let (mut example, opened) = opened();
    example.subscribe("reader", "Patient-open");
    example.subscribe_in("other session", "stranger", "SyncError");
    example.deliver("archive", opened);
    example.deliver("viewer", opened);
    example.acknowledge("viewer", "event-0", 200);
    assert_eq!(owed_sync_errors(&example.conversation), []);
    example.acknowledge("archive", "event-0", 409);
    let owed = owed_sync_errors(&example.conversation);
    let told: Vec<(&str, &str)> = owed
        .iter()
        .map(|owed| (owed.to.as_str(), owed.event_id.as_str()))
        .collect();
    assert_eq!(told, [("viewer", "event-0")]);
}
