//! `junit.xml`, for CI servers: a test case for each requirement and version, or one for each check.

mod by_check;
mod by_requirement;
mod case;
mod explanation;
mod times;
mod totals;

use std::collections::BTreeMap;

use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestSuiteBuilder};

use super::ReportError;
use super::record::Record;
use case::{Case, Ending, safe};
use castspec_judging::outcome::{Disposition, ScenarioId};
use times::Times;

/// What a test case of junit.xml is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum JunitCases {
    /// A requirement under a version, with the worst verdict of its checks
    #[default]
    Requirement,
    /// A check: a requirement in one scenario
    Check,
}

/// Test cases by the name of their suite.
type Suites = BTreeMap<String, Vec<TestCase>>;

/// Renders the report.
pub fn render(record: &Record, cases: JunitCases) -> Result<String, ReportError> {
    let error = |problem: String| ReportError::Render {
        name: "junit.xml",
        problem,
    };
    let started = record
        .began
        .as_ref()
        .and_then(|began| began.started.parse::<jiff::Timestamp>().ok())
        .and_then(|at| OffsetDateTime::from_unix_timestamp(at.as_second()).ok())
        .filter(|at| (0..10_000).contains(&at.year()))
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let mut times = Times::of(record);
    let mut suites = match cases {
        JunitCases::Requirement => by_requirement::suites(record, &mut times),
        JunitCases::Check => by_check::suites(record, &mut times),
    };
    faulty_scenarios(record, cases, &mut times, &mut suites);
    let mut report = ReportBuilder::new();
    for (name, cases) in suites {
        let suite = TestSuiteBuilder::new(&safe(&format!("castspec.{name}")))
            .set_timestamp(started)
            .add_testcases(cases)
            .build();
        report.add_testsuite(suite);
    }
    let report = report.build();
    let mut written = Vec::new();
    report
        .write_xml(&mut written)
        .map_err(|problem| error(problem.to_string()))?;
    let written = String::from_utf8(written).map_err(|problem| error(problem.to_string()))?;
    totals::add(&written, report.testsuites()).map_err(|problem| error(problem.to_string()))
}

/// Adds the scenarios that castspec itself could not play to the end: each is a test case, whatever the others are.
fn faulty_scenarios(record: &Record, cases: JunitCases, times: &mut Times, suites: &mut Suites) {
    for scenario in &record.scenarios {
        let Disposition::Error(why) = &scenario.disposition else {
            continue;
        };
        let suite = match cases {
            JunitCases::Requirement => format!("{}.scenarios", scenario.id.version),
            JunitCases::Check => folder(&scenario.id.name),
        };
        let case = Case {
            class: class(&scenario.id),
            name: format!("The scenario itself: {}", scenario.title),
            time: times.next_share(&scenario.id),
            ending: Ending::Error {
                kind: "scenario".to_owned(),
                message: why.clone(),
                told: format!("{}: {why}", scenario.id.name),
            },
        };
        suites.entry(suite).or_default().push(case.build());
    }
}

/// The suite of a scenario: its folder.
fn folder(scenario: &str) -> String {
    scenario
        .rsplit_once('/')
        .map_or_else(|| "scenarios".to_owned(), |(folder, _)| folder.replace('/', "."))
}

fn class(scenario: &ScenarioId) -> String {
    let ScenarioId { name, version } = scenario;
    format!("castspec.{version}.{}", name.replace('/', "."))
}
