//! The judge, rule by rule: conversations that keep to a requirement, and conversations that break it.

mod acknowledging;
mod base_fhir;
mod closing;
mod launches;
mod publishing;
mod sharing;
mod subscribing;
mod talk;
mod versions;
mod webhooks;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Frame, Observed};
use crate::capture::Side;
use crate::outcome::Verdict;
use crate::protocol::Version;
use crate::requirement::Catalogue;
use crate::schema::Schemas;
use talk::{Case, Talk, case, endpoint};

const HUB: &str = "https://hub.example.com/fhircast";
const TOPIC: &str = "t";
const FORM: &str = "application/x-www-form-urlencoded";
const EVENTS: &str = "Patient-open,Patient-close,ImagingStudy-open,ImagingStudy-close,Encounter-open,DiagnosticReport-open,\
                      DiagnosticReport-close,DiagnosticReport-update,DiagnosticReport-select,SyncError";

/// As far as STU2 and STU1 have them.
const EARLIER_EVENTS: &str = "Patient-open,Patient-close,ImagingStudy-open,ImagingStudy-close,SyncError";

static CATALOGUE: LazyLock<Arc<Catalogue>> = LazyLock::new(|| Arc::new(Catalogue::embedded().unwrap()));
static SCHEMAS: LazyLock<Vec<(Version, Arc<Schemas>)>> = LazyLock::new(|| {
    let load = |version| (version, Arc::new(Schemas::load(version).unwrap()));
    Version::ALL.into_iter().map(load).collect()
});

fn schemas(version: Version) -> Arc<Schemas> {
    let of_version = SCHEMAS.iter().find(|(known, _)| *known == version);
    of_version.unwrap().1.clone()
}

#[test]
fn every_conversation_comes_to_its_verdict_and_to_no_other() {
    for case in cases() {
        case.hold(Version::Stu3, case.verdict, &[]);
    }
}

fn cases() -> Vec<Case> {
    [
        acknowledging::acknowledgements(),
        acknowledging::refusals_that_another_answer_shows_to_be_wrong(),
        acknowledging::refusals_by_sync_error(),
        base_fhir::publications(),
        launches::requests(),
        launches::answers(),
        launches::uses(),
        publishing::how_changes_are_sent(),
        publishing::ids_and_repetitions(),
        closing::closes_against_their_opens(),
        sharing::versions(),
        sharing::anchors(),
        sharing::selections(),
        subscribing::requests(),
        subscribing::lives_of_websockets(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What tests of their own show, as it comes together with something else.
const BESIDE: &[&str] = &[
    "syncerror.after-accepted",
    "imagingstudy-close.same-subject",
    "encounter-close.same-id",
    "diagnosticreport-close.same-id",
    "content.non-current-answered",
    "diagnosticreport-open.version-submitted",
];

/// What is only ever noted, as no conversation shows for certain that it is broken.
const NOTED: &[&str] = &["acknowledgement.success-code", "subscribe.after-connection-loss"];

#[test]
fn every_rule_has_been_seen_to_be_broken() {
    let cases = cases();
    let broken = |id: &str| {
        let mut of_id = cases.iter().filter(|case| case.requirement == id);
        of_id.any(|case| matches!(case.verdict, Some(Verdict::Fail | Verdict::Warn)))
    };
    let never: Vec<&str> = super::requirements_of(&CATALOGUE, Version::Stu3)
        .filter(|id| !broken(id) && !BESIDE.contains(id) && !NOTED.contains(id))
        .collect();
    assert!(never.is_empty(), "{never:#?}");
    let never: Vec<&&str> = NOTED
        .iter()
        .filter(|id| !cases.iter().any(|case| case.requirement == **id))
        .collect();
    assert!(never.is_empty(), "{never:#?}");
}

pub(super) fn event(id: &str, name: &str, context: Value) -> Value {
    json!({
        "timestamp": "2026-03-01T09:30:00.000Z",
        "id": id,
        "event": {"hub.topic": TOPIC, "hub.event": name, "context": context},
    })
}

pub(super) fn patient(id: &str) -> Value {
    json!({"key": "patient", "resource": {
        "resourceType": "Patient", "id": id, "identifier": [{"system": "urn:oid:2.999", "value": format!("mrn-{id}")}],
    }})
}

pub(super) fn patient_open(id: &str, patient_id: &str) -> Value {
    event(id, "Patient-open", json!([patient(patient_id)]))
}

#[test]
fn a_well_behaved_subscriber_is_blamed_for_nothing() {
    let mut talk = Talk::new();
    let viewer = talk.subscribe("viewer");
    let worklist = talk.subscribe("worklist");
    let open = patient_open("5dd3a3b6-1111", "p");
    talk.publish("worklist", &open, 202);
    for connection in [viewer, worklist] {
        talk.hub(connection, &open);
        talk.answer(connection, "5dd3a3b6-1111", 200);
    }
    talk.unsubscribe("viewer");
    talk.deny(viewer);
    talk.close(viewer, Some(Side::Hub), Some(1000));
    talk.wait(3600.0);
    assert_eq!(talk.told(), []);
    assert_eq!(talk.concluded("acknowledgement.sent"), Some(Verdict::Pass));
}

#[test]
fn what_others_send_makes_no_panic() {
    let texts = [
        "",
        "null",
        "7",
        "[]",
        "{}",
        "\"x\"",
        "{\"id\":7,\"status\":[]}",
        "{\"event\":7}",
        "{\"event\":{\"context\":7}}",
        "{\"hub.mode\":7,\"event\":{\"hub.event\":\"Patient-open\",\"context\":[7,{\"key\":7},{\"key\":\"patient\"}]}}",
        "{\"hub.mode\":\"denied\"}",
        "hub.mode=subscribe",
        "hub.mode=%FF&&&=&hub.topic",
        "\u{0}ü",
    ];
    let mut talk = Talk::new();
    for text in texts {
        for method in ["POST", "GET", "PUT", ""] {
            for url in [
                HUB,
                "",
                "/",
                "://",
                "https://h/fhircast/a%2",
                "/fhircast/t?access_token=x",
                "?",
                "ü",
            ] {
                talk.http(None, (method, url), &[("content-type", text)], text, (202, text));
            }
        }
        talk.say(99, text);
        talk.hub(99, &json!({"event": text}));
        talk.observe(
            None,
            Observed::FromHub {
                connection: 99,
                frame: Frame::Text(text.into()),
            },
        );
        talk.observe(
            None,
            Observed::FromSubscriber {
                connection: 98,
                frame: Frame::Binary(Bytes::from_static(&[0xff])),
            },
        );
        talk.close(97, None, None);
        talk.observe(None, Observed::Gap);
    }
    talk.wait(1e6);
    assert!(
        talk.told()
            .iter()
            .any(|(id, _)| *id == "transport.websocket-json.subscriber")
    );
}
