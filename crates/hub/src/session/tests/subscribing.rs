//! Subscribing, leases and endpoints.

use serde_json::json;

use super::*;

#[test]
fn a_connection_is_confirmed_with_what_was_granted() {
    let mut desk = Desk::new();
    let mut request = subscription("Patient-open,patient-OPEN,Patient-close");
    request.lease_seconds = Some(60);
    let endpoint = desk.request(&request).unwrap();
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(
        desk.only(id),
        json!({
            "hub.mode": "subscribe",
            "hub.topic": TOPIC,
            "hub.events": "Patient-open,Patient-close",
            "hub.lease_seconds": 60,
        })
    );
}

#[test]
fn leases_are_granted_within_bounds() {
    let mut desk = Desk::new();
    for (asked, granted) in [(None, 7_200), (Some(5), 5), (Some(1_000_000), 86_400)] {
        let mut request = subscription("Patient-open");
        request.lease_seconds = asked;
        let endpoint = desk.request(&request).unwrap();
        let id = desk.connect(&endpoint).unwrap();
        assert_eq!(desk.only(id)["hub.lease_seconds"], granted);
    }
}

#[test]
fn a_lease_ends_with_a_denial_and_a_close() {
    let mut desk = Desk::new();
    let mut request = subscription("Patient-open");
    request.lease_seconds = Some(60);
    let endpoint = desk.request(&request).unwrap();
    let id = desk.connect(&endpoint).unwrap();
    desk.frames(id);
    desk.wait(59.9);
    assert!(desk.frames(id).is_empty());
    desk.wait(0.2);
    let denial = desk.only(id);
    assert_eq!(denial["hub.mode"], "denied");
    assert_eq!(denial["hub.topic"], TOPIC);
    assert_eq!(denial["hub.events"], "Patient-open");
    assert_eq!(desk.closed[&id].0, 1000);
    assert_eq!(desk.ended, [id]);
    assert_eq!(desk.connect(&endpoint).unwrap_err().status, 404);
    desk.publish(&patient_open("e", "p")).unwrap();
    assert!(desk.frames(id).is_empty());
}

#[test]
fn an_endpoint_that_nobody_connects_to_dies() {
    let mut desk = Desk::new();
    let endpoint = desk.subscribe("Patient-open");
    desk.wait(60.0);
    assert_eq!(desk.connect(&endpoint).unwrap_err().status, 404);
    assert!(desk.session.is_idle());
}

#[test]
fn an_endpoint_takes_one_connection() {
    let mut desk = Desk::new();
    let endpoint = desk.subscribe("Patient-open");
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(desk.connect(&endpoint).unwrap_err().status, 409);
    desk.disconnect(id, Closing::Code(1000));
    assert_eq!(desk.connect(&endpoint).unwrap_err().status, 404);
}

#[test]
fn unsubscribing_denies_closes_and_kills_the_endpoint() {
    let mut desk = Desk::new();
    let endpoint = desk.subscribe("Patient-open,SyncError");
    let id = desk.connect(&endpoint).unwrap();
    desk.frames(id);
    let request = SubscriptionRequest::unsubscribe(TOPIC, &endpoint);
    assert_eq!(desk.request(&request).unwrap(), endpoint);
    let denial = desk.only(id);
    assert_eq!(denial["hub.mode"], "denied");
    assert_eq!(denial["hub.events"], "Patient-open,SyncError");
    assert_eq!(desk.closed[&id].0, 1000);
    assert_eq!(desk.connect(&endpoint).unwrap_err().status, 404);
    let refusal = desk.request(&request).unwrap_err();
    assert_eq!(refusal.status, 404);
    assert!(refusal.reason.contains("hub.channel.endpoint"), "{refusal}");
}

#[test]
fn a_subscription_that_was_never_connected_can_be_unsubscribed() {
    let mut desk = Desk::new();
    let endpoint = desk.subscribe("Patient-open");
    desk.request(&SubscriptionRequest::unsubscribe(TOPIC, &endpoint))
        .unwrap();
    assert_eq!(desk.connect(&endpoint).unwrap_err().status, 404);
    assert!(desk.session.is_idle());
}

#[test]
fn a_resubscription_replaces_the_events_and_is_confirmed_over_the_open_socket() {
    let mut desk = Desk::new();
    let endpoint = desk.subscribe("Patient-open,SyncError");
    let id = desk.connect(&endpoint).unwrap();
    desk.publish(&encounter_open("e1", "enc", "p1")).unwrap();
    desk.frames(id);
    let mut request = subscription("Encounter-open,SyncError");
    request.endpoint = Some(endpoint.clone());
    request.lease_seconds = Some(30);
    assert_eq!(desk.request(&request).unwrap(), endpoint);
    let frames = desk.frames(id);
    assert_eq!(frames[0]["hub.events"], "Encounter-open,SyncError");
    assert_eq!(frames[0]["hub.lease_seconds"], 30);
    assert_eq!(frames[1]["id"], "e1", "what the new events call for is replayed");
    assert_eq!(frames.len(), 2);
    desk.publish(&patient_open("e2", "p2")).unwrap();
    assert!(desk.frames(id).is_empty());
    desk.answer(id, "e1", 200);
    desk.wait(30.0);
    assert_eq!(desk.only(id)["hub.mode"], "denied");
}

#[test]
fn what_cannot_be_subscribed_to_is_refused_by_name() {
    let mut desk = Desk::new();
    let mut without_events = subscription("Patient-open");
    without_events.events = None;
    let mut webhook = subscription("Patient-open");
    webhook.channel_type = Some("webhook".to_owned());
    let mut untyped = subscription("Patient-open");
    untyped.channel_type = None;
    let mut unknown_endpoint = subscription("Patient-open");
    unknown_endpoint.endpoint = Some("never".to_owned());
    for (request, status, says) in [
        (without_events, 400, "hub.events is required"),
        (
            webhook,
            400,
            "hub.channel.type must be 'websocket', and is 'webhook'",
        ),
        (untyped, 400, "hub.channel.type is required"),
        (
            subscription("Patient-merge"),
            400,
            "hub.events: 'Patient-merge' is no event name",
        ),
        (unknown_endpoint, 404, "hub.channel.endpoint must be"),
    ] {
        let refusal = desk.request(&request).unwrap_err();
        assert_eq!(refusal.status, status, "{refusal}");
        assert!(refusal.reason.contains(says), "{refusal}");
        assert!(refusal.reason.contains("FHIRcast STU3, 2."), "{refusal}");
    }
    assert!(desk.session.is_idle());
}

#[test]
fn subscriptions_are_limited() {
    let mut desk = Desk::with(
        Version::Stu3,
        Limits {
            max_subscriptions: 1,
            ..Limits::default()
        },
    );
    desk.subscribe("Patient-open");
    assert_eq!(
        desk.request(&subscription("Patient-open")).unwrap_err().status,
        503
    );
}

#[test]
fn what_is_open_is_replayed_as_it_was() {
    let mut desk = Desk::new();
    desk.publish(&patient_open("e1", "p1")).unwrap();
    desk.publish(&patient_open("e2", "p2")).unwrap();
    desk.publish(&encounter_open("e3", "enc", "p2")).unwrap();
    desk.wait(100.0);
    let endpoint = desk.subscribe("Patient-open,Encounter-open");
    let id = desk.connect(&endpoint).unwrap();
    let frames = desk.frames(id);
    assert_eq!(frames[0]["hub.mode"], "subscribe");
    assert_eq!(frames[1]["id"], "e2");
    assert_eq!(frames[1]["timestamp"], "2026-03-01T09:29:00.000Z");
    assert_eq!(frames[2]["id"], "e3");
    assert_eq!(frames.len(), 3);
}

#[test]
fn what_is_closed_or_not_subscribed_to_is_not_replayed() {
    let mut desk = Desk::new();
    desk.publish(&patient_open("e1", "p1")).unwrap();
    desk.publish(&patient_close("e2", "p1")).unwrap();
    desk.publish(&report_open("e3", "r")).unwrap();
    let endpoint = desk.subscribe("Encounter-open,SyncError");
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(desk.frames(id).len(), 1);
}

#[test]
fn replay_derives_what_the_original_would_not_bring() {
    let mut desk = Desk::new();
    desk.publish(&patient_open("e1", "p1")).unwrap();
    desk.publish(&encounter_open("e2", "enc", "p2")).unwrap();
    let endpoint = desk.subscribe("Patient-open");
    let id = desk.connect(&endpoint).unwrap();
    let frames = desk.frames(id);
    assert_eq!(frames.len(), 2, "{frames:?}");
    assert_eq!(frames[1]["event"]["hub.event"], "Patient-open");
    assert_eq!(frames[1]["event"]["context"][0]["resource"]["id"], "p2");
    desk.publish(&patient_close("e3", "p2")).unwrap();
    let endpoint = desk.subscribe("Patient-open");
    let id = desk.connect(&endpoint).unwrap();
    assert_eq!(desk.ids(id), ["e1"], "the derived context was closed");
}
