//! Events come in the order in which they were published.

use super::{PASS, WARN};
use crate::hub::example::Example;
use crate::hub::ids::ORDER;

/// A patient is opened and then closed.
fn opened_and_closed() -> (Example, usize, usize) {
    let mut example = Example::with(&["viewer", "archive"]);
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    (example, opened, closed)
}

#[test]
fn the_order_of_publication_is_kept() {
    let (mut example, opened, closed) = opened_and_closed();
    example.deliver("viewer", opened);
    example.deliver("viewer", closed);
    assert_eq!(example.verdict(ORDER), PASS);
}

#[test]
fn the_other_way_round_is_told_with_all_four_messages() {
    let (mut example, opened, closed) = opened_and_closed();
    let first = example.deliver("viewer", closed);
    let second = example.deliver("viewer", opened);
    let findings = example.judged();
    assert_eq!(findings.verdict(ORDER), WARN);
    let requested = [opened, closed].map(|position| example.publication(position).requested.sequence);
    assert_eq!(
        findings.evidence(ORDER),
        [requested[0], requested[1], first.sequence, second.sequence]
    );
}

#[test]
fn the_order_is_that_of_each_subscriber() {
    let (mut example, opened, closed) = opened_and_closed();
    example.deliver("viewer", opened);
    example.deliver("archive", closed);
    assert_eq!(example.verdict(ORDER), None, "one event shows no order");
    example.deliver("viewer", closed);
    assert_eq!(example.verdict(ORDER), PASS);
    example.deliver("archive", opened);
    assert_eq!(example.verdict(ORDER), WARN);
}

#[test]
fn events_that_were_published_at_the_same_time_have_no_order() {
    let (mut example, opened, closed) = opened_and_closed();
    let requested = example.publication(opened).requested;
    // The second was asked for while the first was not answered yet.
    example.publication(closed).requested = requested;
    example.deliver("viewer", closed);
    example.deliver("viewer", opened);
    assert_eq!(example.verdict(ORDER), PASS);
}

#[test]
fn a_catch_up_and_a_repetition_have_no_order() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    let closed = example.publish("viewer", "Patient-close");
    example.subscribe("late", "Patient-open,Patient-close");
    example.deliver("late", closed);
    example.deliver("late", opened);
    assert_eq!(example.verdict(ORDER), None);
    example.deliver("viewer", opened);
    example.deliver("viewer", closed);
    example.deliver("viewer", opened);
    assert_eq!(example.verdict(ORDER), PASS);
}
