//! What a run looks like on the console.

use crate::report_support::{Run, check, console, entry, evidence, sample};
use castspec::report::ConsoleSettings;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Grading, Traffic, Verdict};

const PLAIN: ConsoleSettings = ConsoleSettings {
    terminal: false,
    colour: false,
    quiet: false,
    grading: Grading::Standard,
    transcripts: false,
};

#[test]
fn every_verdict_with_its_evidence() {
    insta::assert_snapshot!(console(&sample().ended(), PLAIN));
}

#[test]
fn a_quiet_console_keeps_what_failed_and_the_verdict() {
    let quiet = ConsoleSettings { quiet: true, ..PLAIN };
    insta::assert_snapshot!(console(&sample().ended(), quiet));
}

#[test]
fn a_run_in_which_all_was_skipped_is_not_conformant() {
    let why = "the hub does not claim content_sharing";
    let skipped = |name: &str| vec![check(name, "content.version", Level::Shall, Verdict::Skip)];
    let run = Run::new()
        .scenario(
            "content-sharing/one",
            Disposition::Skipped(why.to_owned()),
            skipped("content-sharing/one"),
        )
        .scenario(
            "content-sharing/two",
            Disposition::Skipped(why.to_owned()),
            skipped("content-sharing/two"),
        );
    let shown = console(&run.ended(), PLAIN);
    assert!(
        !shown.lines().any(|line| line.starts_with("conformant")),
        "{shown}"
    );
    insta::assert_snapshot!(shown);
}

#[test]
fn a_hub_that_was_lost() {
    let why = "the hub had stopped answering: connection refused";
    let run = Run::new()
        .scenario(
            "malformed/large",
            Disposition::Inconclusive(why.to_owned()),
            vec![check(
                "malformed/large",
                "publish.refused",
                Level::Shall,
                Verdict::Inconclusive,
            )],
        )
        .lost(
            "malformed/large",
            "POST https://hub.example.com/fhircast {\"id\": 7}",
            "connection refused",
        );
    insta::assert_snapshot!(console(&run.ended(), PLAIN));
}

#[test]
fn a_run_that_was_interrupted() {
    let why = "the run was interrupted before this scenario began";
    let name = "unsubscribing/accepted";
    let run = Run::new()
        .scenario(
            "subscribing/accepted",
            Disposition::Completed,
            vec![check(
                "subscribing/accepted",
                "confirmation.sent",
                Level::Shall,
                Verdict::Pass,
            )],
        )
        .scenario(
            name,
            Disposition::Inconclusive(why.to_owned()),
            vec![check(
                name,
                "unsubscribe.sent",
                Level::Should,
                Verdict::Inconclusive,
            )],
        )
        .interrupted();
    let shown = console(&run.ended(), PLAIN);
    assert!(shown.contains("inconclusive: the run was interrupted"), "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn a_scenario_is_told_with_its_version_where_there_are_several() {
    let mut run = Run::new().also_under(Version::Stu2);
    for version in [Version::Stu3, Version::Stu2] {
        let open = Check {
            fhircast_version: version,
            ..check("s/open", "r.open", Level::Should, Verdict::Inconclusive)
        };
        let skipped = Disposition::Skipped("the hub does not claim it".to_owned());
        let failed = Disposition::Error("no such subscriber".to_owned());
        run = run
            .scenario_under(version, "s/open", Disposition::Completed, vec![open])
            .scenario_under(version, "s/skipped", skipped, Vec::new())
            .scenario_under(version, "s/failed", failed, Vec::new());
    }
    let shown = console(&run.ended(), PLAIN);
    for told in [
        "inconclusive: the WebSocket of a did not open\n  2 checks of 2 scenarios: s/open [STU3], s/open [STU2]\n  not judged: r.open\n",
        "skipped: the hub does not claim it (2 scenarios)\n  s/skipped [STU2], s/skipped [STU3]\n",
        "error in the scenario s/failed [STU2]: no such subscriber\n",
        "error in the scenario s/failed [STU3]: no such subscriber\n",
    ] {
        assert!(shown.contains(told), "{told} is not in {shown}");
    }
}

#[test]
fn colours_and_a_terminal_change_no_word() {
    let uncoloured = console(&sample().ended(), PLAIN);
    let coloured = console(
        &sample().ended(),
        ConsoleSettings {
            colour: true,
            ..PLAIN
        },
    );
    assert!(coloured.contains("\u{1b}[31mfail"), "{coloured}");
    let escapes = regex::Regex::new("\u{1b}\\[[0-9]+m").unwrap();
    assert_eq!(escapes.replace_all(&coloured, ""), uncoloured);
    let terminal = console(
        &sample().ended(),
        ConsoleSettings {
            terminal: true,
            ..PLAIN
        },
    );
    let without_scenarios: Vec<&str> = uncoloured
        .lines()
        .filter(|line| !line.ends_with("ms)") && !line.ends_with(" passed"))
        .collect();
    assert_eq!(terminal.lines().collect::<Vec<_>>(), without_scenarios);
}

#[test]
fn strict_turns_a_warning_into_the_verdict() {
    let run = Run::new().scenario(
        "subscribing/refused",
        Disposition::Completed,
        vec![check(
            "subscribing/refused",
            "subscribe.refusal-description",
            Level::Should,
            Verdict::Warn,
        )],
    );
    let events = run.ended();
    let last = |shown: &str| shown.lines().last().unwrap_or_default().to_owned();
    let lenient = last(&console(&events, PLAIN));
    assert!(
        lenient.starts_with("conformant (0 pass, 0 fail, 1 warn"),
        "{lenient}"
    );
    let strict = last(&console(
        &events,
        ConsoleSettings {
            grading: Grading::Strict,
            ..PLAIN
        },
    ));
    assert!(
        strict.starts_with("not conformant under --strict: 1 SHOULD broken"),
        "{strict}"
    );
}

/// One fault in many scenarios of two versions, what it hides, and a second fault of the same requirement.
fn one_fault_everywhere() -> Run {
    let mut run = Run::new().also_under(Version::Stu2);
    // Scenarios end in no certain order.
    for number in (0..30).rev() {
        for version in [Version::Stu2, Version::Stu3] {
            let name = format!("s/{number:02}");
            let broken = |requirement: &str, message: String, pointer: &str| {
                let traffic = Traffic::FrameReceived {
                    text: r#"{"event":{"context":[{"key":"PATIENT"}],"hub.event":"Patient-open"},"id":"1"}"#
                        .to_owned(),
                    binary: false,
                };
                Check {
                    id: format!("{name}/{requirement}@{version}"),
                    fhircast_version: version,
                    message,
                    evidence: vec![evidence(
                        entry(4 + number, ["viewer", "worklist"][number % 2], traffic),
                        Some(pointer),
                    )],
                    ..check(&name, requirement, Level::Shall, Verdict::Fail)
                }
            };
            let key = format!(
                "{} received Patient-open after {number} ms with \"PATIENT{number}\"",
                ["viewer", "worklist"][number % 2]
            );
            let mut checks = vec![broken("event.key", key, "/event/context/0/key")];
            if number == 7 && version == Version::Stu3 {
                checks.push(broken("event.other", "is 7".to_owned(), "/id"));
            }
            if number > 27 {
                checks.push(Check {
                    fhircast_version: version,
                    message: format!("message {number} is malformed (event.key), so this could not be tried"),
                    ..check(&name, "event.open", Level::Shall, Verdict::Inconclusive)
                });
            }
            run = run.scenario_under(version, &name, Disposition::Completed, checks);
        }
    }
    let good = vec![check("t/good", "event.key", Level::Shall, Verdict::Pass)];
    run.scenario("t/good", Disposition::Completed, good)
}

#[test]
fn a_fault_that_shows_everywhere_is_told_once() {
    let shown = console(&one_fault_everywhere().ended(), PLAIN);
    assert!(shown.lines().count() < 60, "{shown}");
    insta::assert_snapshot!(shown);
}

#[test]
fn scenarios_are_told_in_order_and_what_passed_is_counted() {
    let shown = console(&one_fault_everywhere().ended(), PLAIN);
    let told: Vec<&str> = shown.lines().filter(|line| line.ends_with(" ms)")).collect();
    assert!(told.is_sorted() && told.len() > 1, "{shown}");
    assert!(shown.contains("\n1 scenario passed\n"), "{shown}");
    let all = ConsoleSettings {
        transcripts: true,
        ..PLAIN
    };
    let all = console(&one_fault_everywhere().ended(), all);
    assert_eq!(
        all.lines().filter(|line| line.ends_with(" ms)")).count(),
        61,
        "{all}"
    );
}
