//! A check that held only when it was tried again passes, and every report says so.

use crate::report_support::{Run, check, console, files, junit, sample};
use castspec::report::{ConsoleSettings, Reports};
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Grading, RunEvent, Verdict};

fn events() -> Vec<RunEvent> {
    let flaky = Check {
        flaky: true,
        message: "held, the second time it was tried".to_owned(),
        ..check(
            "lease/expires",
            "confirmation.lease-expiry-closes",
            Level::Shall,
            Verdict::Pass,
        )
    };
    Run::new()
        .scenario("lease/expires", Disposition::Completed, vec![flaky])
        .ended()
}

#[test]
fn every_report_says_so() {
    let files = files(&events(), Grading::Standard);
    assert_eq!(files.json["checks"][0]["flaky"], true);
    assert_eq!(files.json["checks"][0]["verdict"], "pass");
    junit::assert_sound(&files.junit, "flaky");
    assert_eq!(junit::endings(&files.junit), (0, 0, 0));
    assert!(files.junit.contains("flaky: held, the second time it was tried"));
    assert!(files.html.contains("flaky, held only when tried again"));
    let shown = console(&events(), ConsoleSettings::default());
    let line = "flaky confirmation.lease-expiry-closes in lease/expires: held, the second time it was tried";
    assert!(shown.contains(line), "{shown}");
    let folder = tempfile::tempdir().unwrap();
    let mut reports = Reports::new(folder.path(), Grading::Standard).unwrap();
    events().iter().for_each(|event| reports.event(event).unwrap());
    let summary = reports.summary();
    assert!(
        summary.contains("Flaky, held only when tried again: lease/expires/"),
        "{summary}"
    );
}

#[test]
fn of_other_checks_nothing_is_said() {
    let json = files(&sample().ended(), Grading::Standard).json;
    assert!(
        json["checks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|check| check.get("flaky").is_none())
    );
}
