//! The commands that know several versions of FHIRcast: `castspec validate` and `castspec requirements`.

use crate::command_support::Ended;
use serde_json::{Value, json};

fn written(message: &Value) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), message.to_string()).unwrap();
    file
}

fn validated(version: &str, message: &Value, more: &[&str]) -> Ended {
    let file = written(message);
    let arguments = [
        "validate",
        "--fhircast-version",
        version,
        file.path().to_str().unwrap(),
    ];
    Ended::with(&[&arguments[..], more].concat())
}

fn verification() -> Value {
    json!({"hub.mode": "subscribe", "hub.topic": "t", "hub.events": "patient-open", "hub.challenge": "4f8a",
        "hub.lease_seconds": "7200"})
}

#[test]
fn a_webhook_s_messages_are_told_and_judged() {
    let ended = validated("STU2", &verification(), &[]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(ended.out.contains("intent-verification: valid"), "{}", ended.out);

    let mut broken = verification();
    broken["hub.lease_seconds"] = json!("two hours");
    let ended = validated("STU2", &broken, &[]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert!(
        ended.out.contains("intent-verification.lease-seconds (SHALL"),
        "{}",
        ended.out
    );

    let denial = json!({"hub.mode": "denied", "hub.topic": "t"});
    let ended = validated("STU2", &denial, &["--kind", "webhook-denial"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.contains("denial.events (SHALL"), "{}", ended.out);
}

#[test]
fn a_request_is_judged_by_its_version() {
    let request = json!({"hub.channel.type": "webhook", "hub.callback": "https://viewer.example.org/h",
        "hub.mode": "subscribe", "hub.topic": "t", "hub.events": "patient-open"});
    assert_eq!(validated("STU2", &request, &[]).code, Some(0));
    let ended = validated("STU3", &request, &[]);
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.out.contains("subscribe.request.channel-type"),
        "{}",
        ended.out
    );
}

#[test]
fn a_kind_that_the_version_has_not_is_refused() {
    let current = json!({"context.type": "", "context": []});
    validated("STU2", &current, &[]).says(&["no message of FHIRcast STU2", "--kind"]);
    validated("STU2", &current, &["--kind", "current-context"])
        .says(&["FHIRcast STU2 has no messages of the kind current-context"]);
}

#[test]
fn the_catalogue_of_a_version_names_its_schemas() {
    let listed = |selector: &str| -> Value {
        let ended = Ended::with(&[
            "requirements",
            selector,
            "--fhircast-version",
            "STU2",
            "--format",
            "json",
        ]);
        assert_eq!(ended.code, Some(0), "{}", ended.error);
        serde_json::from_str(&ended.out).unwrap()
    };
    let signature = listed("signature.matches");
    assert_eq!(signature[0]["version"], "STU2");
    assert_eq!(signature[0]["capability"], "webhook");
    let mode = listed("intent-verification.mode");
    assert_eq!(
        mode[0]["judged_by"]["schemas"],
        json!(["schemas/stu2/intent-verification.json"])
    );
}
