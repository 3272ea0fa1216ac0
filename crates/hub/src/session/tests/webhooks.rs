//! Callbacks: verification, deliveries in order, denials, and the ends of subscriptions.

use super::*;
use crate::protocol::signature::sign;
use crate::session::{CallMethod, Purpose};

const CALLBACK: &str = "http://app.example.com/c?room=1&x=%20y";

fn unsubscription(callback: &str) -> WebhookRequest {
    WebhookRequest {
        mode: Mode::Unsubscribe,
        events: None,
        ..webhook(callback, "patient-open")
    }
}

fn both(test: impl Fn(Desk, Version)) {
    for version in [Version::Stu2, Version::Stu1] {
        test(Desk::speaking(version, &[]), version);
    }
}

#[test]
fn nothing_is_delivered_before_the_callback_has_echoed_the_challenge() {
    both(|mut desk, _| {
        let mut request = webhook(CALLBACK, "patient-open,patient-close");
        request.lease_seconds = Some(60);
        desk.request_webhook(&request).unwrap();
        let (call, asked) = desk.only_call();
        assert_eq!(asked.purpose, Purpose::Verification);
        assert_eq!(asked.method, CallMethod::Get);
        assert_eq!((&asked.signature, &asked.body), (&None, &None));
        assert!(
            asked.url.starts_with(&format!("{CALLBACK}&hub.mode=subscribe&")),
            "{}",
            asked.url
        );
        for (name, value) in [
            ("room", "1"),
            ("x", " y"),
            ("hub.mode", "subscribe"),
            ("hub.topic", TOPIC),
            ("hub.events", "patient-open,patient-close"),
            ("hub.challenge", "challenge-1"),
            ("hub.lease_seconds", "60"),
        ] {
            assert_eq!(parameter(&asked, name).as_deref(), Some(value), "{name}");
        }
        desk.publish(&patient_open("e1", "p")).unwrap();
        assert!(desk.calls().is_empty());
        desk.call_back(call, 201, "challenge-1");
        assert!(desk.calls().is_empty(), "what came before is not sent later");
        desk.publish(&patient_open("e2", "p")).unwrap();
        let (_, told) = desk.only_call();
        assert_eq!(event_of(&told), "e2");
        assert_eq!(
            (told.purpose, told.method),
            (Purpose::Notification, CallMethod::Post)
        );
        assert_eq!(told.url, CALLBACK);
        let body = told.body.unwrap();
        assert_eq!(told.signature, Some(sign("secret", body.as_bytes())));
    });
}

#[test]
fn what_is_no_2xx_with_the_challenge_fails() {
    both(|mut desk, _| {
        let answered = |status, body: &str| CallAnswer::Answered {
            status,
            body: Some(body.to_owned()),
        };
        for (at, answer) in [
            answered(404, ""),
            answered(404, "challenge-2"),
            answered(302, "challenge-3"),
            answered(500, "challenge-4"),
            answered(200, "something else"),
            answered(200, "challenge-6\n"),
            answered(200, ""),
            CallAnswer::Answered {
                status: 200,
                body: None,
            },
            CallAnswer::Failed("cannot be reached".to_owned()),
        ]
        .into_iter()
        .enumerate()
        {
            desk.request_webhook(&webhook(CALLBACK, "patient-open")).unwrap();
            let (call, asked) = desk.only_call();
            let challenge = format!("challenge-{}", at + 1);
            assert_eq!(parameter(&asked, "hub.challenge"), Some(challenge));
            desk.end_call(call, answer.clone());
            desk.publish(&event("e", "userlogout", json!([]))).unwrap();
            assert!(desk.calls().is_empty(), "{answer:?}");
            assert!(desk.session.is_idle());
        }
    });
}

#[test]
fn a_verification_that_is_not_answered_in_time_fails() {
    both(|mut desk, _| {
        desk.request_webhook(&webhook(CALLBACK, "patient-open")).unwrap();
        let (call, _) = desk.only_call();
        assert!(!desk.session.is_idle(), "somebody is about to subscribe");
        desk.wait(10.0);
        assert!(desk.session.is_idle());
        desk.call_back(call, 200, "challenge-1");
        assert_eq!(desk.session.subscriptions(), 0, "it came too late");
    });
}

#[test]
fn without_a_secret_there_is_no_signature() {
    let mut desk = Desk::speaking(Version::Stu2, &[]);
    let mut request = webhook(CALLBACK, "patient-open");
    request.secret = None;
    desk.request_webhook(&request).unwrap();
    desk.confirm_call();
    desk.publish(&patient_open("e", "p")).unwrap();
    assert_eq!(desk.only_call().1.signature, None);
}

#[test]
fn a_callback_gets_one_notification_after_the_other() {
    both(|mut desk, _| {
        desk.join_webhook(CALLBACK, "patient-open");
        for id in ["e1", "e2", "e3"] {
            desk.publish(&patient_open(id, "p")).unwrap();
        }
        let (first, told) = desk.only_call();
        assert_eq!(event_of(&told), "e1");
        desk.wait(9.0);
        assert!(desk.calls().is_empty());
        desk.call_back(first, 202, "");
        let (second, told) = desk.only_call();
        assert_eq!(event_of(&told), "e2");
        desk.wait(9.9);
        assert!(desk.calls().is_empty(), "its time began with its own call");
        desk.wait(0.2);
        let (third, told) = desk.only_call();
        assert_eq!(event_of(&told), "e3", "a late answer holds up nothing");
        desk.call_back(second, 200, "");
        desk.call_back(third, 200, "");
        assert!(desk.calls().is_empty());
    });
}

#[test]
fn the_others_hear_of_what_a_callback_refuses_or_cannot_be_given() {
    both(|mut desk, _| {
        desk.join_webhook(CALLBACK, "patient-open,syncerror");
        desk.join_webhook("http://watcher/", "syncerror");
        for (id, answer, says) in [
            ("ok", Some(200), None),
            ("taken", Some(202), None),
            ("refused", Some(409), Some("refused the event with status 409")),
            (
                "moved",
                Some(302),
                Some("could not be given the event: it answered with status 302"),
            ),
            ("failed", Some(503), Some("it answered with status 503")),
            ("lost", None, Some("the cable is cut")),
        ] {
            desk.publish(&patient_open(id, "p")).unwrap();
            let (call, _) = desk.only_call();
            match answer {
                Some(status) => desk.call_back(call, status, ""),
                None => desk.end_call(call, CallAnswer::Failed("the cable is cut".to_owned())),
            }
            let told = desk.calls();
            assert_eq!(told.len(), usize::from(says.is_some()), "{id}: {told:?}");
            for (call, told) in told {
                assert_eq!(told.url, "http://watcher/");
                let body = told.body.unwrap();
                assert!(body.contains(says.unwrap()), "{body}");
                assert!(
                    !body.contains("room"),
                    "a callback is between the hub and its subscriber"
                );
                desk.call_back(call, 500, "");
                assert!(desk.calls().is_empty(), "no SyncError about a SyncError");
            }
        }
    });
}

#[test]
fn a_callback_that_never_answers_is_told_of_and_kept() {
    both(|mut desk, _| {
        desk.join_webhook(CALLBACK, "patient-open");
        desk.join_webhook("http://watcher/", "syncerror");
        desk.publish(&patient_open("e1", "p")).unwrap();
        desk.calls();
        desk.wait(10.0);
        let (_, told) = desk.only_call();
        assert_eq!(told.url, "http://watcher/");
        desk.publish(&patient_open("e2", "p")).unwrap();
        assert_eq!(event_of(&desk.only_call().1), "e2");
    });
}

#[test]
fn a_verified_request_takes_the_place_of_the_one_before() {
    both(|mut desk, _| {
        desk.join_webhook(CALLBACK, "patient-open");
        let mut again = webhook(CALLBACK, "patient-close");
        again.secret = Some("other".to_owned());
        desk.request_webhook(&again).unwrap();
        let (call, asked) = desk.only_call();
        desk.publish(&patient_open("e1", "p")).unwrap();
        let (told, _) = desk.only_call();
        desk.call_back(told, 200, "");
        desk.call_back(call, 200, &parameter(&asked, "hub.challenge").unwrap());
        assert_eq!(desk.session.subscriptions(), 1);
        desk.publish(&patient_open("e2", "p")).unwrap();
        desk.publish(&patient_close("e3", "p")).unwrap();
        let (_, told) = desk.only_call();
        assert_eq!(event_of(&told), "e3");
        assert_eq!(told.signature, Some(sign("other", told.body.unwrap().as_bytes())));
    });
}

#[test]
fn a_request_that_fails_its_verification_changes_nothing() {
    both(|mut desk, _| {
        desk.join_webhook(CALLBACK, "patient-open");
        desk.request_webhook(&webhook(CALLBACK, "patient-close")).unwrap();
        let (call, _) = desk.only_call();
        desk.call_back(call, 404, "");
        desk.publish(&patient_open("e1", "p")).unwrap();
        assert_eq!(event_of(&desk.only_call().1), "e1");
    });
}

#[test]
fn a_later_request_overrides_an_earlier_one_whichever_is_confirmed_first() {
    both(|mut desk, _| {
        desk.request_webhook(&webhook(CALLBACK, "patient-open")).unwrap();
        let (earlier, _) = desk.only_call();
        desk.request_webhook(&webhook(CALLBACK, "patient-close")).unwrap();
        desk.confirm_call();
        desk.call_back(earlier, 200, "challenge-1");
        desk.publish(&patient_open("e1", "p")).unwrap();
        desk.publish(&patient_close("e2", "p")).unwrap();
        assert_eq!(event_of(&desk.only_call().1), "e2");
    });
}

#[test]
fn a_lease_is_counted_from_the_verification_and_ends_with_a_denial() {
    both(|mut desk, _| {
        let mut request = webhook(CALLBACK, "patient-open");
        request.lease_seconds = Some(60);
        desk.request_webhook(&request).unwrap();
        desk.wait(5.0);
        desk.confirm_call();
        desk.wait(54.9);
        assert!(desk.calls().is_empty());
        desk.wait(0.2);
        let (call, denial) = desk.only_call();
        assert_eq!(
            (denial.purpose, denial.method),
            (Purpose::Denial, CallMethod::Get)
        );
        assert!(denial.url.starts_with(&format!("{CALLBACK}&")));
        assert_eq!(parameter(&denial, "hub.mode").as_deref(), Some("denied"));
        assert_eq!(parameter(&denial, "hub.topic").as_deref(), Some(TOPIC));
        assert_eq!(parameter(&denial, "hub.events").as_deref(), Some("patient-open"));
        assert!(parameter(&denial, "hub.reason").unwrap().contains("60 seconds"));
        desk.publish(&event("e", "userlogout", json!([]))).unwrap();
        desk.publish(&patient_open("e", "p")).unwrap();
        assert!(desk.calls().is_empty());
        desk.call_back(call, 200, "");
        desk.publish(&patient_close("e", "p")).unwrap();
        assert!(desk.session.is_idle());
    });
}

#[test]
fn stu2_unsubscribes_without_asking() {
    let mut desk = Desk::speaking(Version::Stu2, &[]);
    desk.join_webhook(CALLBACK, "patient-open,patient-close");
    let mut in_part = unsubscription(CALLBACK);
    in_part.events = Some(parse_events("patient-open").unwrap());
    desk.request_webhook(&in_part).unwrap();
    assert_eq!(desk.session.subscriptions(), 0);
    desk.publish(&patient_close("e", "p")).unwrap();
    assert!(desk.calls().is_empty(), "neither a denial nor a notification");
    assert_eq!(desk.request_webhook(&in_part).unwrap_err().status, 404);
}

#[test]
fn stu2_unsubscribes_what_is_not_verified_yet() {
    let mut desk = Desk::speaking(Version::Stu2, &[]);
    desk.request_webhook(&webhook(CALLBACK, "patient-open")).unwrap();
    let (call, _) = desk.only_call();
    desk.request_webhook(&unsubscription(CALLBACK)).unwrap();
    desk.call_back(call, 200, "challenge-1");
    assert!(desk.session.is_idle());
}

#[test]
fn stu1_asks_before_it_unsubscribes() {
    let mut desk = Desk::speaking(Version::Stu1, &[]);
    desk.join_webhook(CALLBACK, "patient-open,patient-close");
    let mut request = unsubscription(CALLBACK);
    request.events = Some(parse_events("patient-open").unwrap());
    for (status, stays) in [(404, true), (200, false)] {
        desk.request_webhook(&request).unwrap();
        let (call, asked) = desk.only_call();
        assert_eq!(parameter(&asked, "hub.mode").as_deref(), Some("unsubscribe"));
        assert_eq!(parameter(&asked, "hub.events").as_deref(), Some("patient-open"));
        assert!(parameter(&asked, "hub.lease_seconds").is_some());
        let challenge = parameter(&asked, "hub.challenge").unwrap();
        desk.call_back(call, status, &challenge);
        assert_eq!(desk.session.subscriptions(), usize::from(stays), "{status}");
        desk.publish(&patient_close("e", "p")).unwrap();
        for (call, _) in desk.calls() {
            assert!(stays);
            desk.call_back(call, 200, "");
        }
    }
    assert_eq!(desk.request_webhook(&request).unwrap_err().status, 404);
}

#[test]
fn what_waits_is_dropped_with_its_subscription() {
    let mut desk = Desk::speaking(Version::Stu2, &[]);
    desk.join_webhook(CALLBACK, "patient-open");
    desk.publish(&patient_open("e1", "p")).unwrap();
    desk.publish(&patient_open("e2", "p")).unwrap();
    let (call, _) = desk.only_call();
    desk.request_webhook(&unsubscription(CALLBACK)).unwrap();
    desk.call_back(call, 200, "");
    assert!(desk.calls().is_empty());
}

#[test]
fn a_callback_for_which_too_much_waits_is_dropped() {
    let mut desk = Desk::with(
        Version::Stu2,
        Limits {
            queue_limit: 2,
            ..Limits::default()
        },
    );
    desk.join_webhook(CALLBACK, "patient-open");
    desk.join_webhook("http://watcher/", "syncerror");
    for id in ["e1", "e2", "e3", "e4"] {
        desk.publish(&patient_open(id, "p")).unwrap();
    }
    assert_eq!(desk.session.subscriptions(), 1);
    let purposes: Vec<_> = desk.calls().into_iter().map(|(_, call)| call.purpose).collect();
    let (told, denied) = (Purpose::Notification, Purpose::Denial);
    assert_eq!(
        purposes,
        [told, told, denied],
        "the first event, the SyncError, the denial"
    );
}

#[test]
fn subscriptions_are_limited_with_those_that_are_being_verified() {
    let mut desk = Desk::with(
        Version::Stu2,
        Limits {
            max_subscriptions: 1,
            ..Limits::default()
        },
    );
    desk.request_webhook(&webhook(CALLBACK, "patient-open")).unwrap();
    let refusal = desk
        .request_webhook(&webhook("http://b/", "patient-open"))
        .unwrap_err();
    assert_eq!(refusal.status, 503);
    desk.confirm_call();
    desk.request_webhook(&webhook(CALLBACK, "patient-close")).unwrap();
}

#[test]
fn a_hub_may_take_no_webhooks() {
    let without_webhooks = || Limits {
        webhooks: false,
        ..Limits::default()
    };
    for (version, limits) in [
        (Version::Stu3, Limits::default()),
        (Version::Stu2, without_webhooks()),
    ] {
        let mut desk = Desk::with(version, limits);
        let refusal = desk
            .request_webhook(&webhook(CALLBACK, "Patient-open"))
            .unwrap_err();
        assert_eq!(refusal.status, 403);
        assert!(desk.calls().is_empty());
    }
    let mut desk = Desk::with(Version::Stu1, without_webhooks());
    desk.join_webhook(CALLBACK, "patient-open");
    assert_eq!(desk.session.subscriptions(), 1, "STU1 has nothing else");
}

#[test]
fn sockets_and_callbacks_share_a_topic() {
    let mut desk = Desk::speaking(Version::Stu2, &[]);
    let socket = desk.join("patient-open,syncerror");
    desk.join_webhook(CALLBACK, "patient-open,syncerror");
    desk.publish(&patient_open("e", "p")).unwrap();
    assert_eq!(desk.ids(socket), ["e"]);
    let (call, _) = desk.only_call();
    desk.call_back(call, 409, "");
    let error = desk.only(socket);
    assert_eq!(error["event"]["hub.event"], "syncerror");
    desk.answer(socket, "e", 500);
    assert_eq!(desk.only_call().1.purpose, Purpose::Notification);
}
