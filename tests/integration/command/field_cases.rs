//! What people met with in the field, in `tests/cases`: each comes out of `castspec validate` as the manifest says.

use std::path::PathBuf;

use crate::command_support::{Ended, report};
use regex::Regex;
use serde_json::Value;

struct Case {
    file: String,
    arguments: Vec<String>,
    codes: Vec<i32>,
    /// Each group must have one that fails.
    must_fail: Vec<Vec<String>>,
    must_not_fail: Vec<String>,
    must_be_said: Option<Regex>,
    must_not_be_said: Option<Regex>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases")
}

fn cases() -> Vec<Case> {
    let manifest = std::fs::read_to_string(folder().join("manifest.tsv")).unwrap();
    let words = |text: &str| -> Vec<String> {
        let words = text.split_whitespace().filter(|word| *word != "-");
        words.map(str::to_owned).collect()
    };
    // The library knows no look-ahead, and a word's end is not before an underscore anyway.
    let pattern = |text: &str| (text != "-").then(|| Regex::new(&text.replace(r"\b(?!_)", r"\b")).unwrap());
    let rows = manifest.lines().skip(1).map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        assert_eq!(columns.len(), 8, "{line}");
        Case {
            file: columns[0].to_owned(),
            arguments: words(columns[1]),
            codes: columns[2].split(',').map(|code| code.parse().unwrap()).collect(),
            must_fail: words(columns[3])
                .iter()
                .map(|word| word.split('|').map(str::to_owned).collect())
                .collect(),
            must_not_fail: words(columns[4]),
            must_be_said: pattern(columns[5]),
            must_not_be_said: pattern(columns[6]),
        }
    });
    rows.collect()
}

/// The requirements that fail, of messages from `--json`, of conversations from report.json.
fn failing(case: &Case, arguments: &[&str]) -> Vec<String> {
    let is_conversation = [".har", ".jsonl"]
        .iter()
        .any(|ending| case.file.ends_with(ending));
    let reports = tempfile::tempdir().unwrap();
    let names = |list: &Value, verdict: &str| -> Vec<String> {
        let list = list.as_array().unwrap().iter();
        let failing = list.filter(|one| one[verdict] == "fail");
        failing
            .map(|one| one["requirement"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    if is_conversation {
        Ended::with(&[arguments, &["--reports", reports.path().to_str().unwrap()]].concat());
        return names(&report(reports.path())["checks"], "verdict");
    }
    let ended = Ended::with(&[arguments, &["--json"]].concat());
    let judged: Value = serde_json::from_str(&ended.out).unwrap();
    let messages = judged.as_array().unwrap().iter();
    messages
        .flat_map(|message| names(&message["violations"], "weight"))
        .collect()
}

#[test]
fn validate_judges_what_people_met_with_as_the_manifest_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let path = folder().join(&case.file);
        let mut arguments = vec!["validate", path.to_str().unwrap()];
        arguments.extend(case.arguments.iter().map(String::as_str));
        let ended = Ended::with(&arguments);
        let said = format!("{}{}", ended.out, ended.error);
        let failing = failing(&case, &arguments);
        let fails = |id: &String| failing.iter().any(|own| own.starts_with(id.as_str()));
        let mut problem = |what: String| wrong.push(format!("{}: {what}\n{said}", case.file));
        if !ended.code.is_some_and(|code| case.codes.contains(&code)) {
            problem(format!("exit status {:?}", ended.code));
        }
        for group in &case.must_fail {
            if !group.iter().any(fails) {
                problem(format!("none of {group:?} fails"));
            }
        }
        for id in case.must_not_fail.iter().filter(|id| fails(id)) {
            problem(format!("{id} fails"));
        }
        if case
            .must_be_said
            .as_ref()
            .is_some_and(|words| !words.is_match(&said))
        {
            problem("what must be said is not".to_owned());
        }
        if case
            .must_not_be_said
            .as_ref()
            .is_some_and(|words| words.is_match(&said))
        {
            problem("what must not be said is".to_owned());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_side_of_which_nothing_is_known_is_named_and_the_other_judged_alone_as_ever() {
    let path = folder().join("c-only-500.jsonl");
    let path = path.to_str().unwrap();
    let both = Ended::with(&["validate", path]);
    assert_eq!(both.code, Some(2), "{}{}", both.out, both.error);
    assert!(
        both.error.contains("nothing that the hub did can be judged"),
        "{}",
        both.error
    );
    let subscribers = Ended::with(&["validate", path, "--as", "subscriber"]);
    assert_eq!(
        subscribers.code,
        Some(0),
        "{}{}",
        subscribers.out,
        subscribers.error
    );
    let hub = Ended::with(&["validate", path, "--as", "hub"]);
    assert_eq!(hub.code, Some(2), "{}{}", hub.out, hub.error);
    // A GET that nobody answered.
    let capture = tempfile::NamedTempFile::with_suffix(".jsonl").unwrap();
    let lines = [
        r#"{"castspec_capture": 1, "tool": {"name": "castspec", "version": "0.1.0"}, "started": "2026-11-23T15:22:42.9Z", "upstream": "http://127.0.0.1:1/fhircast"}"#,
        r#"{"at_ms": 1, "kind": "request", "exchange": 1, "method": "GET", "url": "http://127.0.0.1:1/fhircast/t", "headers": []}"#,
    ];
    std::fs::write(capture.path(), lines.join("\n") + "\n").unwrap();
    let unanswered = Ended::with(&["validate", capture.path().to_str().unwrap()]);
    assert_ne!(unanswered.code, Some(0), "{}{}", unanswered.out, unanswered.error);
    assert!(
        !unanswered.out.lines().any(|line| line.starts_with("conformant")),
        "{}",
        unanswered.out
    );
}

#[test]
fn members_that_stand_twice_are_told_of_messages_and_of_conversations() {
    let message = tempfile::NamedTempFile::new().unwrap();
    let twice = r#"{"id": "a", "id": "b", "status": 200}"#;
    std::fs::write(message.path(), twice).unwrap();
    let path = message.path().to_str().unwrap();
    let ended = Ended::with(&["validate", path]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(
        ended.out.contains("warn /id stands more than once"),
        "{}",
        ended.out
    );
    assert_eq!(Ended::with(&["validate", path, "--strict"]).code, Some(1));
    let har = std::fs::read_to_string(folder().join("noack.har")).unwrap();
    let told = |text: &str| {
        let file = tempfile::NamedTempFile::with_suffix(".har").unwrap();
        std::fs::write(file.path(), text).unwrap();
        Ended::with(&["validate", file.path().to_str().unwrap()]).out
    };
    assert!(!told(&har).contains("more than once"));
    let by_subscriber = har.replace(
        r#"{\"id\": \"e1\", \"timestamp\""#,
        r#"{\"id\": \"e0\", \"id\": \"e1\", \"timestamp\""#,
    );
    assert_ne!(by_subscriber, har);
    let out = told(&by_subscriber);
    assert!(out.contains("warn transport.websocket-json.subscriber"), "{out}");
    assert!(out.contains("/id stands more than once in one object"), "{out}");
}
