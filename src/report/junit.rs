//! `junit.xml`: one suite a scenario folder, one test case a check, for CI servers.

use std::collections::BTreeMap;

use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestCaseBuilder, TestSuiteBuilder};

use super::ReportError;
use super::record::Record;
use super::text;
use castspec_judging::outcome::{Check, Disposition, Grading, ScenarioId, Verdict};

/// Renders the report.
pub fn render(record: &Record) -> Result<String, ReportError> {
    let error = |problem: String| ReportError::Render {
        name: "junit.xml",
        problem,
    };
    let started = record
        .began
        .as_ref()
        .and_then(|began| began.started.parse::<jiff::Timestamp>().ok())
        .and_then(|at| OffsetDateTime::from_unix_timestamp(at.as_second()).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut suites: BTreeMap<String, Vec<TestCase>> = BTreeMap::new();
    let mut times = shared_times(record);
    for check in &record.checks {
        let time = times.get_mut(&check.scenario_id()).map(SharedTime::next_share);
        let case = case(check, time.unwrap_or(Duration::ZERO), record.grading);
        suites.entry(folder(&check.scenario)).or_default().push(case);
    }
    for scenario in &record.scenarios {
        if let Disposition::Error(why) = &scenario.disposition {
            let id = &scenario.id;
            let time = times.get_mut(id).map(SharedTime::next_share);
            let name = safe(&format!("the scenario itself [{}]", id.name));
            let time = time.unwrap_or(Duration::ZERO);
            let mut builder = TestCaseBuilder::error(&name, time, "scenario", &safe(why));
            builder.set_classname(&class(id));
            suites.entry(folder(&id.name)).or_default().push(builder.build());
        }
    }
    let mut report = ReportBuilder::new();
    for (name, cases) in suites {
        let suite = TestSuiteBuilder::new(&safe(&format!("castspec.{name}")))
            .set_timestamp(started)
            .add_testcases(cases)
            .build();
        report.add_testsuite(suite);
    }
    let mut written = Vec::new();
    report
        .build()
        .write_xml(&mut written)
        .map_err(|problem| error(problem.to_string()))?;
    String::from_utf8(written).map_err(|problem| error(problem.to_string()))
}

/// The time of a scenario, shared by its test cases, so that the sums that CI servers make are right.
struct SharedTime {
    millis: u128,
    cases: u128,
    taken: u128,
}

impl SharedTime {
    /// The time of one more test case, in whole milliseconds: Jenkins' schema refuses more than three decimals. What the
    /// division leaves over goes to some of the shares.
    fn next_share(&mut self) -> Duration {
        let up_to = |cases: u128| self.millis * cases / self.cases;
        let share = up_to(self.taken + 1) - up_to(self.taken);
        self.taken += 1;
        Duration::milliseconds(i64::try_from(share).unwrap_or(i64::MAX))
    }
}

/// The time of every scenario. Its test cases are its checks, and the scenario itself where it is at fault.
fn shared_times(record: &Record) -> BTreeMap<ScenarioId, SharedTime> {
    let mut times: BTreeMap<ScenarioId, SharedTime> = BTreeMap::new();
    for scenario in &record.scenarios {
        let time = SharedTime {
            millis: scenario.duration.as_millis(),
            cases: u128::from(matches!(scenario.disposition, Disposition::Error(_))),
            taken: 0,
        };
        times.insert(scenario.id.clone(), time);
    }
    for check in &record.checks {
        if let Some(time) = times.get_mut(&check.scenario_id()) {
            time.cases += 1;
        }
    }
    times
}

fn case(check: &Check, time: Duration, grading: Grading) -> TestCase {
    let name = safe(&format!("{} [{}]", check.requirement, check.scenario));
    let message = safe(&check.message);
    let failure = || TestCaseBuilder::failure(&name, time, &safe(&check.requirement), &message);
    let mut builder = match check.verdict {
        _ if check.accepted.is_some() => TestCaseBuilder::skipped(&name),
        verdict if grading.is_failure(verdict) => failure(),
        _ if check.is_open_shall() => TestCaseBuilder::error(&name, time, "inconclusive", &message),
        Verdict::Pass | Verdict::Warn | Verdict::Fail => TestCaseBuilder::success(&name, time),
        Verdict::Inconclusive | Verdict::Skip => {
            let mut builder = TestCaseBuilder::skipped(&name);
            builder.set_system_out(&message);
            builder
        }
    };
    builder.set_classname(&class(&check.scenario_id()));
    if check.flaky {
        builder.set_system_out(&safe(&format!("flaky: {}", check.message)));
    }
    if !matches!(check.verdict, Verdict::Pass | Verdict::Skip) {
        builder.set_system_out(&safe(&explanation(check)));
    }
    // The builder gives a skipped test case no time.
    TestCase {
        time,
        ..builder.build()
    }
}

/// A check that did not pass, in full.
fn explanation(check: &Check) -> String {
    let mut lines = vec![
        format!("{}: {}", check.verdict, check.message),
        format!(
            "{} ({}, section {}): {}",
            check.requirement, check.level, check.section, check.statement
        ),
        check.url.clone(),
    ];
    if let Some(accepted) = &check.accepted {
        lines.insert(
            0,
            format!("accepted until {}: {}", accepted.until, accepted.reason),
        );
    }
    for (label, value) in [("expected", &check.expected), ("observed", &check.observed)] {
        if let Some(value) = value {
            lines.push(format!("{label}: {value}"));
        }
    }
    lines.extend(check.evidence.iter().map(text::evidence));
    if let Some(command) = &check.repeat {
        lines.push(format!("again: {command}"));
    }
    lines.join("\n")
}

fn folder(scenario: &str) -> String {
    scenario
        .rsplit_once('/')
        .map_or_else(|| "scenarios".to_owned(), |(folder, _)| folder.replace('/', "."))
}

fn class(scenario: &ScenarioId) -> String {
    let ScenarioId { name, version } = scenario;
    safe(&format!("castspec.{version}.{}", name.replace('/', ".")))
}

/// A text that junit-report can write: it puts texts into CDATA as they are, so `]]>` would end the section.
fn safe(text: &str) -> String {
    text::clean(text).replace("]]>", "]] >")
}
