//! `castspec validate` and `castspec completions`, as the command line carries them out.

use std::time::Duration;

use crate::command_support::{Ended, castspec};
use castspec_fhircast::schema::MessageKind;
use serde_json::{Value, json};

const VALID: &str =
    r#"{"hub.mode": "subscribe", "hub.topic": "t", "hub.events": "Patient-open", "hub.lease_seconds": 7200}"#;
const WITHOUT_EVENTS: &str = r#"{"hub.mode": "subscribe", "hub.topic": "t", "hub.lease_seconds": 7200}"#;

fn written(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn a_valid_message() {
    let file = written(VALID);
    let ended = Ended::with(&["validate", file.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(ended.out.contains("confirmation: valid"), "{}", ended.out);
    assert_eq!(ended.error, "");
}

#[test]
fn an_invalid_message_names_what_it_breaks() {
    let file = written(WITHOUT_EVENTS);
    let arguments = [
        "validate",
        "--kind",
        "confirmation",
        file.path().to_str().unwrap(),
    ];
    let ended = Ended::with(&arguments);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert!(ended.out.contains("fail"), "{}", ended.out);
    assert!(ended.out.contains("confirmation.events (SHALL"), "{}", ended.out);
    assert_eq!(ended.error, "");
    let told = Ended::with(&[&arguments[..], &["--json"]].concat());
    assert_eq!(told.code, Some(1));
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(
        told[0]["violations"][0]["requirement"], "confirmation.events",
        "{told}"
    );
}

#[test]
fn every_kind_of_message_can_be_named() {
    let file = written(r#"{"resourceType": "CapabilityStatement"}"#);
    let path = file.path().to_str().unwrap();
    for kind in MessageKind::ALL {
        let ended = Ended::with(&[
            "validate",
            "--fhircast-version",
            "STU2",
            "--kind",
            kind.name(),
            path,
        ]);
        let known = ended.out.starts_with(&format!("{path}: {kind}: "))
            || ended
                .error
                .contains(&format!("has no messages of the kind {kind}"));
        assert!(known, "{kind}: {}{}", ended.out, ended.error);
    }
    let ended = Ended::with(&["validate", "--kind", "hearsay", path]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.error.contains("capability-statement"), "{}", ended.error);
}

#[test]
fn one_invalid_message_among_valid_ones() {
    let (valid, invalid) = (written(VALID), written(&format!("[{VALID}, {WITHOUT_EVENTS}]")));
    let files = [valid.path().to_str().unwrap(), invalid.path().to_str().unwrap()];
    let ended = Ended::with(&["validate", "--kind", "confirmation", files[0], files[1]]);
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    assert!(
        ended
            .out
            .contains(&format!("{}[0]: confirmation: valid", files[1])),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains(&format!("{}[1]: confirmation: 1 violation", files[1])),
        "{}",
        ended.out
    );
}

/// With a date that never was and a text for a yes or no: FHIRcast minds neither.
const UNLIKE_FHIR: &str = r#"{"timestamp": "2026-02-14T01:25:00.000Z", "id": "a1", "event": {"hub.topic": "t",
    "hub.event": "Practitioner-open", "context": [{"key": "practitioner", "resource": {"resourceType": "Practitioner",
    "id": "1", "birthDate": "1978-02-30", "active": "Synthia"}}]}}"#;

#[test]
fn base_fhir_is_told_apart_and_never_counts() {
    let file = written(UNLIKE_FHIR);
    let name = file.path().to_str().unwrap();
    let ended = Ended::with(&["validate", "--strict", name]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    let (fhircast, apart) = ended.out.split_once("base FHIR R4").unwrap();
    assert!(
        fhircast.contains("notification of Practitioner-open: valid"),
        "{fhircast}"
    );
    assert!(
        apart.contains("note /event/context/0/resource/birthDate is a date that no calendar has"),
        "{apart}"
    );
    assert!(
        !apart.contains("Synthia"),
        "a value of the resource is told: {apart}"
    );

    let told = Ended::with(&["validate", "--json", name]);
    assert_eq!(told.code, Some(0));
    let told: Value = serde_json::from_str(&told.out).unwrap();
    let notes = told[0]["base_fhir_r4"].as_array().unwrap();
    assert_eq!(notes.len(), 2, "{told}");
    assert_eq!(notes[0]["pointer"], "/event/context/0/resource/active");
    assert_eq!(told[0]["violations"], serde_json::json!([]));

    for arguments in [&["--no-fhir"][..], &["--no-fhir", "--json"]] {
        let left_out = Ended::with(&[&["validate", name], arguments].concat());
        assert_eq!(left_out.code, Some(0));
        assert!(!left_out.out.contains("calendar"), "{}", left_out.out);
        assert!(!left_out.out.contains("fhir_r4"), "{}", left_out.out);
    }
}

#[test]
fn a_message_whose_resources_are_fhir_has_no_such_heading() {
    let file = written(
        &UNLIKE_FHIR
            .replace("1978-02-30", "1978-11-03")
            .replace("\"Synthia\"", "true"),
    );
    let ended = Ended::with(&["validate", file.path().to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(!ended.out.contains("base FHIR"), "{}", ended.out);
}

#[test]
fn standard_input() {
    let valid = Ended::of(castspec().args(["validate", "-"]).write_stdin(VALID));
    assert_eq!(valid.code, Some(0), "{}{}", valid.out, valid.error);
    assert!(
        valid.out.starts_with("standard input: confirmation: valid"),
        "{}",
        valid.out
    );
    let none = Ended::of(castspec().args(["validate", "-"]).write_stdin(""));
    none.says(&["standard input", "is not JSON"]);
    let binary = Ended::of(
        castspec()
            .args(["validate", "-"])
            .write_stdin(vec![0xFF, 0xFE, 0x00]),
    );
    binary.says(&["standard input"]);
}

#[test]
fn what_is_no_message() {
    let file = written("{\"hub.mode\": ");
    let name = file.path().to_str().unwrap();
    Ended::with(&["validate", name]).says(&[name, "is not JSON", "line 1"]);
    let file = written("{\"a\": 1}");
    let name = file.path().to_str().unwrap();
    Ended::with(&["validate", name]).says(&[name, "no message of FHIRcast", "--kind"]);
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().join("missing.json");
    let name = name.to_str().unwrap();
    Ended::with(&["validate", name]).says(&[name, "cannot be read"]);
    let deep = written(&"[".repeat(100_000));
    let name = deep.path().to_str().unwrap();
    Ended::with(&["validate", name]).says(&[name, "is not JSON"]);
    Ended::with(&["validate"]).says(&["FILE"]);
}

#[test]
fn an_array_of_no_messages_is_not_called_valid() {
    let ended = Ended::of(castspec().args(["validate", "-"]).write_stdin("[]"));
    assert!(!ended.out.contains(": valid"), "{}", ended.out);
}

#[test]
fn completions_for_shells() {
    for (shell, sign) in [
        ("bash", "complete -F _castspec"),
        ("zsh", "#compdef castspec"),
        ("fish", "complete -c castspec"),
    ] {
        let ended = Ended::with(&["completions", shell]);
        assert_eq!(ended.code, Some(0), "{}", ended.error);
        assert!(ended.out.contains(sign), "{shell}");
        for command in ["run", "hub", "validate"] {
            assert!(ended.out.contains(command), "{shell}: {command}");
        }
    }
    Ended::with(&["completions", "klingon"]).says(&["klingon"]);
}

#[test]
fn the_version_and_the_help() {
    let version = Ended::with(&["--version"]);
    assert_eq!(version.code, Some(0));
    assert_eq!(version.out, concat!("castspec ", env!("CARGO_PKG_VERSION"), "\n"));
    for command in ["run", "hub", "validate", "completions"] {
        let help = Ended::with(&[command, "--help"]);
        assert_eq!(help.code, Some(0), "{command}");
        assert!(help.out.contains("Usage: castspec"), "{command}");
        assert!(help.out.contains("Example"), "{command} has no example");
    }
}

#[test]
fn many_contexts_with_a_mistake_each_are_told_in_the_time_that_few_take_each() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("many.json");
    let context = |at: usize| json!({"key": "patients", "resource": {"resourceType": "Patient", "id": format!("p{at}")}});
    let contexts: Vec<Value> = (0..40_000).map(context).collect();
    let message = json!({"timestamp": "2026-01-01T00:00:00Z", "id": "e1", "event": {
        "hub.topic": "t", "hub.event": "Patient-open", "context": contexts}});
    std::fs::write(&file, message.to_string()).unwrap();
    // Whoever compares each with each takes minutes.
    let mut command = castspec();
    command
        .args(["validate", "--no-fhir"])
        .arg(&file)
        .timeout(Duration::from_secs(60));
    let ended = Ended::of(&mut command);
    assert_eq!(ended.code, Some(1), "{}", ended.error);
    assert!(
        ended
            .out
            .contains("/event/context/39999/key is \"patients\"; did you mean \"patient\"?")
    );
}

#[test]
fn what_is_too_long_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.json");
    std::fs::write(&file, " ".repeat((16 << 20) + 1)).unwrap();
    Ended::with(&["validate", file.to_str().unwrap()]).says(&["long.json", "more than 16777216 bytes"]);
}

#[test]
fn what_turns_the_direction_of_a_text_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("turned.json");
    let message = json!({"timestamp": "2026-01-01T00:00:00Z", "id": "e1", "event": {
        "hub.topic": "t", "hub.event": "Patient-open\u{202e}nepo\u{1b}[31m", "context": []}});
    std::fs::write(&file, message.to_string()).unwrap();
    let ended = Ended::with(&["validate", file.to_str().unwrap()]);
    assert!(ended.out.contains("Patient-open\\u202enepo"), "{}", ended.out);
    assert!(!ended.out.contains(['\u{202e}', '\u{1b}']));
    let ended = Ended::with(&["validate", "--json", file.to_str().unwrap()]);
    assert!(!ended.out.contains(['\u{202e}', '\u{1b}']));
    assert!(serde_json::from_str::<Value>(&ended.out).is_ok());
}
