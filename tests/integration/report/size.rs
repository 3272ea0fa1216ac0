//! The page of a large run stays one that a browser opens at once.

use crate::report_support::{Run, check, conversation, files};
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Evidence, Grading, Verdict};

/// Scenarios, and requirements judged in each.
const SCENARIOS: usize = 200;
const REQUIREMENTS: usize = 42;

/// A conversation that begins at this place of the transcript.
fn conversation_from(place: usize) -> Vec<Evidence> {
    let mut conversation = conversation();
    for evidence in &mut conversation {
        evidence.entry.sequence += place;
    }
    conversation
}

/// A run of the size of a whole suite.
fn large(verdict: Verdict) -> Run {
    let judge = |scenario: &str, at: usize| Check {
        section: format!("2.{} A section of the specification", at % 10),
        evidence: match verdict {
            Verdict::Fail => conversation_from(at * 3),
            _ => Vec::new(),
        },
        ..check(
            scenario,
            &format!("requirement.number-{at}"),
            Level::Shall,
            verdict,
        )
    };
    (0..SCENARIOS).fold(Run::new(), |run, at| {
        let name = format!("folder/a-scenario-with-a-name-of-usual-length-{at}");
        let checks = (0..REQUIREMENTS).map(|at| judge(&name, at)).collect();
        run.scenario(&name, Disposition::Completed, checks)
    })
}

#[test]
fn a_clean_run() {
    let html = files(&large(Verdict::Pass).ended(), Grading::Standard).html;
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
}

#[test]
fn a_run_in_which_everything_failed() {
    let html = files(&large(Verdict::Fail).ended(), Grading::Standard).html;
    assert!(html.len() < 3_000_000, "{} bytes", html.len());
}
