//! `castspec selfcheck`, as the binary. The whole of it is run by `.ci/run`; here it is a part, and how it ends.

use crate::command_support::Ended;
use serde_json::Value;

#[test]
fn defects_are_killed_by_what_they_claim_and_the_matrix_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let ended = Ended::with(&[
        "selfcheck",
        "--fhircast-version",
        "STU3",
        "--reports",
        reports,
        "--defect",
        "no-replay",
        "--defect",
        "current-type-missing",
        "--defect",
        "duplicate-delivery",
    ]);
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(
        ended.out.contains("killed   no-replay: replay.latest-open"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("notification.delivered-once (warns)"),
        "{}",
        ended.out
    );
    assert!(
        ended
            .out
            .contains("3 of 3 defects killed; failures that no defect explains: none"),
        "{}",
        ended.out
    );
    let text = std::fs::read_to_string(folder.path().join("selfcheck.json")).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let matrix = &written["matrices"][0];
    assert_eq!(matrix["fhircast_version"], "STU3");
    assert_eq!(matrix["complete"], false);
    assert_eq!(matrix["rows"].as_array().unwrap().len(), 3);
    assert_eq!(matrix["clean"]["findings"], serde_json::json!([]));
    assert_eq!(matrix["rows"][0]["claims"][0]["seen"], "failed");
    let page = std::fs::read_to_string(folder.path().join("selfcheck.html")).unwrap();
    assert!(page.contains("<strong class=\"good\">current-type-missing</strong>"));
    assert!(
        !page.contains("http://") && !page.contains("<script"),
        "the page needs nothing else"
    );
}

#[test]
fn what_cannot_be_carried_out_is_told_in_one_line() {
    let ended = Ended::with(&["selfcheck", "--defect", "no-confirmaton"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.error.contains("did you mean no-confirmation"),
        "{}",
        ended.error
    );
    assert_eq!(ended.error.lines().count(), 1, "{}", ended.error);
    let file = tempfile::NamedTempFile::new().unwrap();
    let ended = Ended::with(&[
        "selfcheck",
        "--defect",
        "no-replay",
        "--reports",
        file.path().to_str().unwrap(),
    ]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.error.contains("cannot be written"), "{}", ended.error);
}

#[test]
fn alterations_are_found_and_lawful_ones_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Ended::with(&[
        "selfcheck",
        "--tamper",
        "--fhircast-version",
        "STU3",
        "--reports",
        folder.path().to_str().unwrap(),
        "--alteration",
        "another-identifier-for-half",
        "--alteration",
        "notification-leaks",
        "--alteration",
        "entries-in-another-order",
    ]);
    let told = format!("{}{}", ended.out, ended.error);
    assert_eq!(ended.code, Some(0), "{told}");
    for line in [
        "killed   another-identifier-for-half: notification.context-unaltered",
        "killed   notification-leaks: notification.topic-isolated",
        "lawful   entries-in-another-order: ",
    ] {
        assert!(ended.out.contains(line), "{told}");
    }
    let text = std::fs::read_to_string(folder.path().join("tampering.json")).unwrap();
    let written: Value = serde_json::from_str(&text).unwrap();
    let tried = written["matrices"][0]["tried"].as_array().unwrap();
    assert_eq!(tried.len(), 3);
    assert!(
        tried.iter().all(|one| one["altered"].as_u64().unwrap() > 0),
        "{text}"
    );
}

#[test]
fn an_alteration_that_is_not_there_is_told() {
    let ended = Ended::with(&["selfcheck", "--tamper", "--alteration", "everything"]);
    assert_eq!(ended.code, Some(2));
    ended.begins(&["there is no alteration 'everything'"]);
}
