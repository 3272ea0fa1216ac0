//! The files that a run leaves behind: for CI servers, for programs and for people.

use std::collections::BTreeSet;
use std::path::Path;

use crate::report_support::{Run, check, files, sample};
use castspec::report::Reports;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Grading, RunEvent, Verdict};
use serde_json::Value;

fn schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas/report.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert!(
        jsonschema::meta::is_valid(&schema),
        "the schema is not itself valid"
    );
    jsonschema::validator_for(&schema).unwrap()
}

fn assert_by_schema(report: &Value) {
    let problems: Vec<String> = schema()
        .iter_errors(report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(problems, Vec::<String>::new());
}

fn judged(events: &[RunEvent]) -> Vec<Check> {
    let checks = events.iter().filter_map(|event| match event {
        RunEvent::CheckJudged(check) => Some((**check).clone()),
        _ => None,
    });
    let mut checks: Vec<Check> = checks.collect();
    checks
        .sort_by(|one, other| (&one.scenario, &one.requirement).cmp(&(&other.scenario, &other.requirement)));
    checks
}

#[test]
fn report_json_keeps_its_contract() {
    let events = sample().ended();
    let report = files(&events, Grading::Standard).json;
    assert_by_schema(&report);
    assert_eq!(report["tool"]["name"], "castspec");
    assert_eq!(report["started"], "2025-03-04T05:06:07.089Z");
    assert_eq!(report["duration_ms"], 1_234);
    assert_eq!(report["target"]["hub_url"], "https://hub.example.com/fhircast");
    assert_eq!(report["target"]["fhircast_version"], "STU3");
    assert_eq!(report["target"]["capabilities"]["content_sharing"], false);
    assert_eq!(
        report["summary"],
        serde_json::json!({"pass": 3, "fail": 2, "warn": 1, "skip": 2, "inconclusive": 3})
    );
    let mut checks: Vec<Check> = serde_json::from_value(report["checks"].clone()).unwrap();
    let causes: Vec<Option<String>> = checks.iter_mut().map(|check| check.cause.take()).collect();
    assert_eq!(causes.iter().flatten().collect::<Vec<_>>(), ["c2", "c1", "c3"]);
    assert_eq!(checks, judged(&events));
    let failed = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["requirement"] == "confirmation.events");
    let failed = failed.unwrap();
    for (member, value) in [
        ("scenario", "subscribing/accepted"),
        ("fhircast_version", "STU3"),
        ("level", "SHALL"),
        ("section", "2.4 Subscription Confirmation"),
        ("verdict", "fail"),
        ("message", "hub.events is missing"),
    ] {
        assert_eq!(failed[member], value, "{member}");
    }
    assert_eq!(failed["evidence"].as_array().unwrap().len(), 3);
}

#[test]
fn report_json_tells_of_interruption_and_loss() {
    let events = sample()
        .lost("subscribing/refused", "POST /", "connection refused")
        .interrupted()
        .ended();
    let report = files(&events, Grading::Standard).json;
    assert_by_schema(&report);
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["hub_lost"]["scenario"], "subscribing/refused");
    assert_by_schema(&files(&Run::new().ended(), Grading::Standard).json);
}

#[test]
fn the_schema_of_report_json_notices_what_is_wrong() {
    let report = files(&sample().ended(), Grading::Standard).json;
    let schema = schema();
    assert!(schema.is_valid(&report));
    for (pointer, wrong) in [
        ("/checks/0/verdict", Value::from("maybe")),
        ("/checks/0/level", Value::from("MUST")),
        ("/causes/0/id", Value::from("first")),
        ("/causes/0/verdict", Value::from("pass")),
        ("/causes/0/scenarios", serde_json::json!([])),
        ("/checks/0/evidence", Value::Null),
        ("/summary/skip", Value::from(-1)),
        ("/started", Value::from("yesterday")),
        ("/target/fhircast_version", Value::from("STU9")),
    ] {
        let mut spoiled = report.clone();
        *spoiled.pointer_mut(pointer).unwrap() = wrong;
        assert!(!schema.is_valid(&spoiled), "{pointer}");
    }
    for member in ["tool", "started", "duration_ms", "target", "summary", "checks"] {
        let mut spoiled = report.clone();
        spoiled.as_object_mut().unwrap().remove(member);
        assert!(!schema.is_valid(&spoiled), "without {member}");
    }
}

#[test]
fn the_page_shows_what_was_broken_first() {
    let html = files(&sample().ended(), Grading::Standard).html;
    let at = |text: &str| {
        html.find(text)
            .unwrap_or_else(|| panic!("{text} is not on the page"))
    };
    let headings = [
        "verdict",
        "summary",
        "broken",
        "open",
        "skipped",
        "readings",
        "requirements",
        "scenarios",
    ];
    let order: Vec<usize> = headings.iter().map(|id| at(&format!(" id=\"{id}\""))).collect();
    assert!(order.is_sorted(), "{order:?}");
    for (id, verdict) in [
        ("broken.stu3.confirmation.events", "fail"),
        ("broken.stu3.notification.context-unaltered", "fail"),
        ("broken.stu3.subscribe.refusal-description", "warn"),
        ("stu3.replay.sent", "inconclusive"),
        ("stu3.content.version", "skip"),
        ("stu3.confirmation.name", "pass"),
    ] {
        let tag = &html[at(&format!(" id=\"{id}\""))..];
        let tag = &tag[..tag.find('>').unwrap()];
        assert!(tag.contains(&format!("data-verdict=\"{verdict}\"")), "{tag}");
    }
    assert!(html.contains("<mark>"), "the offending place is marked");
    assert!(html.contains("the hub grants the lease that was asked for"));
    assert!(html.contains("own&#x2f;broken is at fault"));
}

#[test]
fn the_page_is_whole_in_itself() {
    let html = files(&sample().ended(), Grading::Standard).html;
    assert_eq!(html.matches("<script").count(), 1, "one script, the page's own");
    for loading in [
        " src=",
        "<link",
        "@import",
        "url(",
        "<iframe",
        "<object",
        "http-equiv=\"refresh",
    ] {
        assert!(!html.contains(loading), "{loading} loads something");
    }
    let script = &html[html.find("<script>").unwrap() + 8..html.find("</script>").unwrap()];
    use sha2::Digest as _;
    let hash = base64::Engine::encode(
        &base64::engine::general_purpose::STANDARD,
        sha2::Sha256::digest(script),
    );
    let policy = format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'");
    let unescaped = html.replace("&#x27;", "'").replace("&#x2f;", "/");
    assert!(
        unescaped.contains(&policy),
        "the policy lets the page's script run"
    );
}

#[test]
fn links_lead_to_pages_and_nowhere_else() {
    let leading = |url: &str| Check {
        url: url.to_owned(),
        ..check("own/link", "link.followed", Level::Shall, Verdict::Fail)
    };
    let out_of = regex::Regex::new("href=\"([^\"#]*)[^\"]*\"").unwrap();
    for (url, linked) in [
        ("https://example.com/a?b=\"c", true),
        ("javascript:alert(1)", false),
        ("JaVaScRiPt:alert(1)", false),
        (" javascript:alert(1)", false),
        ("data:text/html,x", false),
        ("//example.com", false),
        ("", false),
    ] {
        let run = Run::new().scenario("own/link", Disposition::Completed, vec![leading(url)]);
        let html = files(&run.ended(), Grading::Standard).html;
        let out: BTreeSet<&str> = out_of
            .captures_iter(&html)
            .map(|found| found.get(1).unwrap().as_str())
            .collect();
        assert_eq!(out.len() > 1, linked, "{url}: {out:?}");
        assert!(
            out.iter().all(|to| to.is_empty() || to.starts_with("https:")),
            "{url}: {out:?}"
        );
    }
}

#[test]
fn one_scenario_under_two_versions_is_two() {
    let under = |version: Version, verdict| Check {
        fhircast_version: version,
        ..check("own/both", "shared.requirement", Level::Shall, verdict)
    };
    let mut run = Run::new().scenario(
        "own/both",
        Disposition::Completed,
        vec![under(Version::Stu3, Verdict::Pass)],
    );
    run = run.scenario_under(
        Version::Stu1,
        "own/both",
        Disposition::Completed,
        vec![under(Version::Stu1, Verdict::Fail)],
    );
    let html = files(&run.ended(), Grading::Standard).html;
    for (id, verdict) in [
        ("stu3.shared.requirement", "pass"),
        ("stu1.shared.requirement", "fail"),
    ] {
        assert!(
            html.contains(&format!(" id=\"{id}\" data-verdict=\"{verdict}\"")),
            "{id}"
        );
    }
}

#[test]
fn reports_can_be_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let deep = folder.path().join("deep/er");
    for run in [sample(), Run::new()] {
        let mut reports = Reports::new(&deep, Grading::Standard).unwrap();
        for event in run.ended() {
            reports.event(&event).unwrap();
        }
    }
    let names = std::fs::read_dir(&deep)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: BTreeSet<String> = names.collect();
    assert_eq!(
        names.into_iter().collect::<Vec<_>>(),
        ["index.html", "junit.xml", "report.json", "summary.md"]
    );
    let report = std::fs::read_to_string(deep.join("report.json")).unwrap();
    assert!(report.contains("\"pass\": 0"), "the second run's report is there");
}

#[test]
fn a_folder_that_cannot_be_written_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("taken");
    std::fs::write(&file, "a file, no folder").unwrap();
    for place in [file.clone(), file.join("below")] {
        let error = Reports::new(&place, Grading::Standard).unwrap_err().to_string();
        assert!(error.contains(&place.display().to_string()), "{error}");
        assert!(error.contains("cannot be written"), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn a_folder_that_goes_away_during_the_run_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("reports");
    let mut reports = Reports::new(&place, Grading::Standard).unwrap();
    std::fs::remove_dir_all(&place).unwrap();
    let results: Vec<_> = sample()
        .ended()
        .iter()
        .map(|event| reports.event(event))
        .collect();
    let (last, earlier) = results.split_last().unwrap();
    assert!(earlier.iter().all(Result::is_ok));
    let error = last.as_ref().unwrap_err().to_string();
    assert!(error.contains("report.json cannot be written"), "{error}");
}
