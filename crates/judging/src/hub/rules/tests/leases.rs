//! Leases, and who is owed what while they last.

use std::time::Duration;

use super::{FAIL, PASS};
use crate::Spot;
use crate::hub::example::{Example, events, judge};
use crate::hub::ids::LEASE_WITHIN_TOKEN;
use crate::hub::rules::{
    Silence, after_silence, deaf_after_silence, ended_early, has_run_out, lasted_its_lease, owed,
    within_token,
};
use crate::hub::{Publication, Subscription};
use crate::protocol::Version;

fn spot(seconds: f64) -> Spot {
    Spot {
        sequence: 0,
        at: Duration::from_secs_f64(seconds),
    }
}

fn taken_at(seconds: f64) -> Publication {
    let mut example = Example::with(&["viewer"]);
    let position = example.publish("viewer", "Patient-open");
    let publication = example.publication(position);
    publication.answered = spot(seconds);
    publication.clone()
}

fn leased(seconds: f64) -> Subscription {
    Subscription {
        lease: Some(seconds),
        confirmed: Some(spot(11.5)),
        ..Subscription::new(events("Patient-open"), spot(10.0))
    }
}

#[test]
fn a_lease_has_run_out_a_little_before_its_end() {
    // Of a short lease the last fifth is left out, of a long one the last second.
    for (lease, taken, run_out) in [
        (4.0, 3.1, false),
        (4.0, 3.3, true),
        (4.0, 5.0, true),
        (100.0, 98.5, false),
        (100.0, 99.5, true),
        (100.0, 101.0, true),
        (0.0, 0.5, true),
    ] {
        let taken_at = taken_at(10.0 + taken);
        let found = has_run_out(&leased(lease), &taken_at);
        assert_eq!(found, run_out, "lease {lease}, taken after {taken}");
    }
}

#[test]
fn a_lease_is_counted_from_the_request_where_the_confirmation_is_late() {
    // The hub wrote the confirmation at some time after the request, and nobody knows when.
    let (lease, since) = leased(4.0).leased_since().unwrap();
    assert_eq!(since.at, Duration::from_secs(10));
    for (closed, lasted) in [(12.0, false), (14.0, true)] {
        assert_eq!(
            lasted_its_lease(lease, since, spot(closed)),
            lasted,
            "closed at {closed}"
        );
    }
}

#[test]
fn a_subscription_without_a_lease_does_not_run_out() {
    let subscription = Subscription::new(events("Patient-open"), spot(0.0));
    assert!(!has_run_out(&subscription, &taken_at(1e6)));
    assert!(!has_run_out(&leased(f64::MAX), &taken_at(1e6)));
}

#[test]
fn an_event_is_owed_while_the_lease_lasts() {
    for (lease, passed, owed_to) in [(60.0, 30.0, 1), (60.0, 59.8, 0), (60.0, 90.0, 0)] {
        let mut example = Example::with(&["viewer"]);
        example.subscription("viewer").lease = Some(lease);
        example.pass(passed);
        example.publish("viewer", "Patient-open");
        assert_eq!(
            owed(&example.conversation).len(),
            owed_to,
            "lease {lease}, after {passed}"
        );
    }
}

#[test]
fn a_lease_begins_anew_with_a_re_subscription() {
    let mut example = Example::with(&["viewer"]);
    example.subscription("viewer").lease = Some(60.0);
    example.pass(50.0);
    let answer = example.exchange("viewer", 202, "");
    let asked = events("Patient-open,Patient-close");
    let subscription = example.subscription("viewer");
    subscription.replace(asked, answer.request);
    subscription.renew(60.0);
    example.pass(50.0);
    example.publish("viewer", "Patient-open");
    assert_eq!(owed(&example.conversation).len(), 1);
}

#[test]
fn a_subscription_lasts_its_lease_with_a_tolerance_at_its_end() {
    // Of a short lease two fifths, of a long one a second.
    for (lease, lasted, enough) in [
        (2.0, 1.1, false),
        (2.0, 1.3, true),
        (2.0, 9.0, true),
        (60.0, 58.9, false),
        (60.0, 59.1, true),
    ] {
        let lease = Duration::from_secs_f64(lease);
        let found = lasted_its_lease(lease, spot(5.0), spot(5.0 + lasted));
        assert_eq!(found, enough, "lease {lease:?}, lasted {lasted}");
    }
}

#[test]
fn an_early_end_is_told_with_both_times() {
    let breach = ended_early("viewer", Duration::from_secs(60), spot(5.0), spot(7.5));
    assert_eq!(
        breach.message,
        "the hub ended the subscription of viewer before its lease had run out"
    );
    assert_eq!(breach.expected.as_deref(), Some("at least 60s after the request"));
    assert_eq!(breach.observed.as_deref(), Some("closed after 2.5s"));
    assert_eq!(breach.places.len(), 2);
}

/// A subscriber with a lease of a minute over whose WebSocket nothing passes for so long; then what `end` does.
fn after(seconds: f64, end: impl FnOnce(&mut Example)) -> Silence {
    let mut example = Example::with(&["viewer"]);
    example.subscription("viewer").lease = Some(60.0);
    let position = example.publish("viewer", "Patient-open");
    let since = example.deliver("viewer", position);
    example.pass(seconds);
    end(&mut example);
    after_silence(example.subscriber("viewer"), since)
}

#[test]
fn a_quiet_websocket_that_is_cut_before_its_lease_has_run_out_breaks_the_lease() {
    for (code, how) in [
        (
            None,
            "the connection ended without a close frame after 20.0 s of silence",
        ),
        (
            Some(1001),
            "the hub closed it (code 1001) after 20.0 s of silence",
        ),
    ] {
        let Silence::Cut(breach) = after(20.0, |example| example.close("viewer", true, code)) else {
            panic!("{how}: not told");
        };
        assert_eq!(breach.observed.as_deref(), Some(how));
        assert_eq!(breach.places.len(), 2);
    }
}

#[test]
fn a_quiet_websocket_may_end_with_its_lease_or_by_a_denial_or_by_its_owner() {
    let denial = serde_json::json!({
        "hub.mode": "denied", "hub.topic": "session", "hub.events": "Patient-open", "hub.reason": "night",
    });
    assert!(matches!(after(20.0, |_| {}), Silence::Borne));
    let by_lease = after(60.0, |example| example.close("viewer", true, Some(1000)));
    assert!(matches!(by_lease, Silence::Borne));
    let by_its_owner = after(20.0, |example| example.close("viewer", false, Some(1000)));
    assert!(matches!(by_its_owner, Silence::Borne));
    let denied = after(20.0, |example| {
        example.send("viewer", &denial);
        example.close("viewer", true, Some(1000));
    });
    assert!(matches!(denied, Silence::Denied));
    // One without a lease was promised nothing.
    let without_lease = after(20.0, |example| {
        example.subscription("viewer").lease = None;
        example.close("viewer", true, None);
    });
    assert!(matches!(without_lease, Silence::Borne));
}

#[test]
fn a_hub_that_is_deaf_after_a_silence_is_told_with_the_event() {
    let mut example = Example::with(&["viewer"]);
    let position = example.publish("viewer", "Patient-open");
    let breach = deaf_after_silence("viewer", Duration::from_secs(75), example.publication(position));
    assert!(breach.message.contains("75 s"), "{}", breach.message);
    assert_eq!(breach.expected.as_deref(), Some("a notification of Patient-open"));
    assert_eq!(breach.places.len(), 2);
}

#[test]
fn a_lease_ends_no_later_than_the_token() {
    for (lease, left, verdict) in [
        (60.0, 60, PASS),
        (62.0, 60, PASS),
        (62.5, 60, FAIL),
        (7200.0, 60, FAIL),
        (3.0, 0, FAIL),
    ] {
        let mut judge = judge(Version::Stu3);
        within_token("viewer", lease, Duration::from_secs(left), spot(0.0), &mut judge);
        let findings = Example::with(&["viewer"]).conclude(judge);
        assert_eq!(
            findings.verdict(LEASE_WITHIN_TOKEN),
            verdict,
            "lease {lease}, left {left}"
        );
    }
}
