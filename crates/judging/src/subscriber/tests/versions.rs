//! Conversations in STU2 and STU1: what holds there as in STU3, and that every rule of theirs is seen to be broken.

use serde_json::{Value, json};

use super::webhooks::{ASKED, callback};
use super::{CATALOGUE, Case, HUB, TOPIC, Talk, cases, endpoint, event, patient_open, webhooks};
use crate::capture::Side;
use crate::outcome::Verdict::{self, Fail, Pass, Warn};
use crate::protocol::{SyncErrorCause, Version};
use crate::requirement::{Evidence, Level, Requirement};
use crate::subscriber::ids::is_judged;
use crate::subscriber::{Observed, requirements_of};

/// Publishers of these conversations subscribe to nothing, which is told of in versions that ask for it.
const UNSUBSCRIBED: &str = "publish.event-of-subscription";

fn stated(version: Version, id: &str) -> Option<&'static Requirement> {
    let stated = CATALOGUE.get(version, id);
    stated.filter(|stated| is_judged(stated.actor))
}

/// What the verdict of STU3 is where the level is that of another version.
fn at_level(verdict: Option<Verdict>, level: Level) -> Option<Verdict> {
    match (verdict, level) {
        (Some(Fail), Level::Should) => Some(Warn),
        (verdict, _) => verdict,
    }
}

#[test]
fn a_websocket_of_stu2_is_judged_as_one_of_stu3() {
    let mut held = 0;
    for case in cases() {
        let stated = stated(Version::Stu2, case.requirement);
        // What one message shows is softened in each version as its schemas say.
        let Some(stated) = stated.filter(|stated| stated.evidence == Some(Evidence::Conversation)) else {
            continue;
        };
        case.hold(
            Version::Stu2,
            at_level(case.verdict, stated.level),
            &[UNSUBSCRIBED],
        );
        held += 1;
    }
    assert!(held > 60, "{held}");
}

#[test]
fn webhooks_are_judged_in_both_versions_by_what_each_states() {
    for version in [Version::Stu1, Version::Stu2] {
        for case in webhooks::cases() {
            // What a version does not state is never judged there.
            let stated = stated(version, case.requirement);
            let verdict = stated.and(case.verdict);
            case.hold(version, verdict, &[]);
        }
    }
}

/// A subscription over a second WebSocket; its number.
fn second_websocket(talk: &mut Talk) -> u64 {
    let form = format!(
        "hub.channel.type=websocket&hub.mode=subscribe&hub.topic={TOPIC}&hub.events=Patient-open&subscriber.name=viewer"
    );
    let url = endpoint("viewer-second");
    let answer = json!({"hub.channel.endpoint": url}).to_string();
    talk.form("viewer", &form, (202, &answer));
    let connection = 9_000;
    talk.observe(None, Observed::Opened { connection, url });
    let confirmation = json!({
        "hub.mode": "subscribe", "hub.topic": TOPIC, "hub.events": "Patient-open", "hub.lease_seconds": 7200
    });
    talk.hub(connection, &confirmation);
    connection
}

fn renewals() -> Vec<Case> {
    const RENEWED: &str = "subscribe.request.endpoint-on-renewal";
    vec![
        Case {
            name: "renewed by its endpoint",
            requirement: RENEWED,
            verdict: Some(Pass),
            talk: |talk| {
                talk.subscribe("viewer");
                let form = format!(
                    "hub.channel.type=websocket&hub.mode=subscribe&hub.topic={TOPIC}&hub.events=Patient-open\
                     &hub.channel.endpoint={}",
                    endpoint("viewer")
                );
                let answer = json!({"hub.channel.endpoint": endpoint("viewer")}).to_string();
                talk.form("viewer", &form, (202, &answer));
            },
        },
        Case {
            name: "changes to another WebSocket and leaves the first",
            requirement: RENEWED,
            verdict: Some(Warn),
            talk: |talk| {
                let first = talk.subscribe("viewer");
                second_websocket(talk);
                talk.close(first, Some(Side::Subscriber), Some(1000));
                talk.wait(5.0);
            },
        },
        Case {
            name: "changes to another WebSocket and ends the first",
            requirement: RENEWED,
            verdict: None,
            talk: |talk| {
                let first = talk.subscribe("viewer");
                second_websocket(talk);
                talk.unsubscribe("viewer");
                talk.close(first, Some(Side::Subscriber), Some(1000));
                talk.wait(5.0);
            },
        },
        Case {
            name: "has two WebSockets and closes one later",
            requirement: RENEWED,
            verdict: None,
            talk: |talk| {
                let first = talk.subscribe("viewer");
                second_websocket(talk);
                talk.wait(60.0);
                talk.close(first, Some(Side::Subscriber), Some(1000));
                talk.wait(5.0);
            },
        },
        Case {
            name: "subscribes again after it has closed",
            requirement: RENEWED,
            verdict: None,
            talk: |talk| {
                let first = talk.subscribe("viewer");
                talk.close(first, Some(Side::Subscriber), Some(1000));
                second_websocket(talk);
                talk.wait(5.0);
            },
        },
    ]
}

#[test]
fn a_renewal_names_the_websocket_in_stu2_alone() {
    for case in renewals() {
        case.hold(Version::Stu2, case.verdict, &[]);
        let mut talk = Talk::new();
        (case.talk)(&mut talk);
        assert_eq!(talk.concluded(case.requirement), None, "{}", case.name);
    }
}

#[test]
fn a_redirect_tells_neither_success_nor_an_error() {
    for (version, verdict) in [(Version::Stu1, Fail), (Version::Stu2, Pass)] {
        let mut talk = Talk::of(version);
        talk.join("viewer");
        let id = talk.call("POST", &callback("viewer"), &patient_open("e1", "p").to_string());
        talk.call_answered(id, 302, None, "");
        assert_eq!(
            talk.concluded("acknowledgement.success-code"),
            Some(verdict),
            "{version}"
        );
        assert_eq!(talk.concluded("acknowledgement.sent"), Some(Pass), "{version}");
    }
}

#[test]
fn a_webhook_that_refuses_late_has_accepted_before() {
    let refusal = || -> Value {
        let name = "patient-open".parse().unwrap();
        let cause = SyncErrorCause::new("e1", &name, "viewer", "busy".to_owned());
        event("s1", "SyncError", cause.to_context())
    };
    for (status, verdict) in [(202, Pass), (200, Warn)] {
        let mut talk = Talk::of(Version::Stu2);
        talk.join("viewer");
        let id = talk.call("POST", &callback("viewer"), &patient_open("e1", "p").to_string());
        talk.call_answered(id, status, None, "");
        talk.publish("viewer", &refusal(), 202);
        talk.wait(60.0);
        assert_eq!(
            talk.concluded("syncerror.after-accepted"),
            Some(verdict),
            "{status}"
        );
    }
}

#[test]
fn a_callback_is_found_wherever_a_hub_puts_its_query() {
    for query in [
        "room=1&hub.mode=subscribe",
        "hub.mode=subscribe&room=1",
        "hub.mode=subscribe",
    ] {
        let mut talk = Talk::of(Version::Stu1);
        talk.webhook("subscribe", "viewer", &[], 202);
        let path = callback("viewer").replace("room=1", query);
        let url = format!("{path}&hub.topic={TOPIC}&hub.events={ASKED}&hub.challenge=ch-1");
        let id = talk.call("GET", &url, "");
        talk.call_answered(id, 200, Some("text/html"), "ch-1");
        assert_eq!(talk.told(), [], "{query}");
        assert_eq!(
            talk.concluded("intent-verification.answer-challenge"),
            Some(Pass),
            "{query}"
        );
    }
}

#[test]
fn secrets_of_webhooks_are_in_no_finding() {
    let mut talk = Talk::of(Version::Stu2);
    for name in ["viewer", "worklist"] {
        talk.webhook("subscribe", name, &[("hub.secret", "hush-hush")], 202);
    }
    assert_eq!(talk.told(), [("secret.unique", Fail)]);
    let shown = format!("{:?}", talk.found);
    assert!(!shown.contains("hush-hush"), "{shown}");
    assert!(shown.contains("hub.mode=subscribe"), "the rest is shown: {shown}");
}

#[test]
fn a_well_behaved_webhook_is_blamed_for_nothing() {
    for version in [Version::Stu1, Version::Stu2] {
        let mut talk = Talk::of(version);
        for name in ["viewer", "worklist"] {
            talk.join(name);
        }
        let open = patient_open("5dd3a3b6-1111", "p");
        talk.publish("worklist", &open, 202);
        for name in ["viewer", "worklist"] {
            let id = talk.call("POST", &callback(name), &open.to_string());
            talk.call_answered(id, 200, None, "");
        }
        talk.webhook("unsubscribe", "viewer", &[], 202);
        let url = format!(
            "{}&hub.mode=unsubscribe&hub.topic={TOPIC}&hub.events={ASKED}&hub.challenge=ch-2",
            callback("viewer")
        );
        let id = talk.call("GET", &url, "");
        talk.call_answered(id, 200, Some("text/html"), "ch-2");
        talk.wait(3600.0);
        assert_eq!(talk.told(), [], "{version}");
        let judged = talk.judge.conclude();
        assert_eq!(judged.len(), 2, "{version}: one for each subscriber");
        assert!(
            judged.iter().all(|one| one.checks.len() > 10),
            "{version}: {judged:?}"
        );
    }
}

/// Broken in tests of their own, above.
const BESIDE: &[(Version, &str)] = &[
    (Version::Stu1, "acknowledgement.success-code"),
    (Version::Stu2, "syncerror.after-accepted"),
];

#[test]
fn every_rule_of_either_version_has_been_seen_to_be_broken() {
    let (webhooks, renewals, websockets) = (webhooks::cases(), renewals(), cases());
    for version in [Version::Stu1, Version::Stu2] {
        let over_websockets: &[Case] = match version {
            Version::Stu2 => &websockets,
            _ => &[],
        };
        // Requests and publications are no matter of the channel.
        let common = websockets
            .iter()
            .filter(|case| ANY_CHANNEL.contains(&case.requirement));
        let all: Vec<&Case> = webhooks
            .iter()
            .chain(&renewals)
            .chain(over_websockets)
            .chain(common)
            .collect();
        let broken = |id: &str| {
            let mut of_id = all.iter().filter(|case| case.requirement == id);
            of_id.any(|case| matches!(case.verdict, Some(Fail | Warn)))
        };
        let never: Vec<&str> = requirements_of(&CATALOGUE, version)
            .filter(|id| !broken(id) && !BESIDE.contains(&(version, *id)))
            .filter(|id| version == Version::Stu1 || !super::NOTED.contains(id))
            .collect();
        assert!(never.is_empty(), "{version}: {never:#?}");
    }
}

const ANY_CHANNEL: &[&str] = &[
    "launch.topic-and-url-known",
    "launch.scopes-requested",
    "launch.scopes-granted",
    "launch.hub-url",
    "launch.hub-topic",
    "launch.id-token",
    "scopes.syntax.subscriber",
    "scopes.syntax.authorization-server",
    "scopes.read",
    "scopes.write",
    "subscribe.request.post",
    "subscribe.request.content-type",
    "subscribe.request.bearer",
    "unsubscribe.request.post",
    "unsubscribe.request.content-type",
    "publish.post",
    "transport.http-json.subscriber",
];

#[test]
fn requests_and_publications_of_stu1_are_judged_as_those_of_stu3() {
    let of_channel: Vec<Case> = cases()
        .into_iter()
        .filter(|case| ANY_CHANNEL.contains(&case.requirement))
        .collect();
    assert!(of_channel.len() > 15, "{}", of_channel.len());
    for case in of_channel {
        let mut talk = Talk::of(Version::Stu1);
        (case.talk)(&mut talk);
        assert_eq!(
            talk.concluded(case.requirement),
            case.verdict,
            "{}: {}",
            case.name,
            case.requirement
        );
    }
}

#[test]
fn what_is_called_back_makes_no_panic() {
    let texts = [
        "",
        "null",
        "[]",
        "{\"event\":7}",
        "{\"id\":\"e\",\"event\":{}}",
        "\u{0}ü",
    ];
    for version in Version::ALL {
        let mut talk = Talk::of(version);
        talk.webhook("subscribe", "viewer", &[], 202);
        for text in texts {
            for url in [
                "",
                "?",
                "://",
                "ü?hub.mode",
                &callback("viewer"),
                "c?hub.mode=denied&hub.mode=x",
            ] {
                let id = talk.call("GET", url, text);
                talk.call_answered(id, 999, Some(text), text);
                talk.call_answered(id, 200, None, text);
            }
        }
        let form = "hub.callback=%FF&hub.mode=unsubscribe";
        talk.http(None, ("POST", HUB), &[], form, (202, ""));
        talk.wait(1e6);
        assert!(talk.judge.next_deadline().is_none(), "{version}: all is over");
    }
}
