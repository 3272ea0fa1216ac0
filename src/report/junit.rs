//! `junit.xml`: one suite a scenario folder, one test case a check, for CI servers.

use std::collections::BTreeMap;

use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestCaseBuilder, TestSuiteBuilder};

use super::ReportError;
use super::record::{Record, ScenarioRecord};
use super::text;
use castspec_fhircast::requirement::Level;
use castspec_judging::outcome::{Check, Disposition, Verdict};

/// Renders the report; under `strict` a broken SHOULD is a failure.
pub fn render(record: &Record, strict: bool) -> Result<String, ReportError> {
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
    let durations: BTreeMap<&str, (&ScenarioRecord, usize)> = record
        .scenarios
        .iter()
        .map(|own| {
            let checks = record
                .checks
                .iter()
                .filter(|check| check.scenario == own.name)
                .count();
            (own.name.as_str(), (own, checks))
        })
        .collect();
    for check in &record.checks {
        // A scenario's time is shared by its checks, so that the sums that CI servers make are right.
        let time = durations
            .get(check.scenario.as_str())
            .map_or(0.0, |(own, checks)| {
                let count = u32::try_from(*checks).unwrap_or(u32::MAX).max(1);
                (own.duration / count).as_secs_f64()
            });
        let case = case(check, whole_millis(time), strict);
        suites.entry(folder(&check.scenario)).or_default().push(case);
    }
    for (own, _) in durations.values() {
        if let Disposition::Error(why) = &own.disposition {
            let time = whole_millis(own.duration.as_secs_f64());
            let name = safe(&format!("the scenario itself [{}]", own.name));
            let mut builder = TestCaseBuilder::error(&name, time, "scenario", &safe(why));
            builder.set_classname(&class(&own.name, &own.version.to_string()));
            suites.entry(folder(&own.name)).or_default().push(builder.build());
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

fn case(check: &Check, time: Duration, strict: bool) -> TestCase {
    let name = safe(&format!("{} [{}]", check.requirement, check.scenario));
    let message = safe(&check.message);
    let mut builder = match check.verdict {
        _ if check.accepted.is_some() => TestCaseBuilder::skipped(&name),
        Verdict::Pass => TestCaseBuilder::success(&name, time),
        Verdict::Fail => TestCaseBuilder::failure(&name, time, &safe(&check.requirement), &message),
        Verdict::Warn if strict => TestCaseBuilder::failure(&name, time, &safe(&check.requirement), &message),
        Verdict::Warn => TestCaseBuilder::success(&name, time),
        Verdict::Inconclusive if check.level == Level::Shall => {
            TestCaseBuilder::error(&name, time, "inconclusive", &message)
        }
        Verdict::Inconclusive | Verdict::Skip => {
            let mut builder = TestCaseBuilder::skipped(&name);
            builder.set_system_out(&message);
            builder
        }
    };
    builder.set_classname(&class(&check.scenario, &check.fhircast_version.to_string()));
    if check.flaky {
        builder.set_system_out(&safe(&format!("flaky: {}", check.message)));
    }
    if !matches!(check.verdict, Verdict::Pass | Verdict::Skip) {
        builder.set_system_out(&safe(&explanation(check)));
    }
    builder.build()
}

/// Seconds in whole milliseconds: Jenkins' schema refuses more than three decimals.
fn whole_millis(seconds: f64) -> Duration {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a scenario takes less than a few million years"
    )]
    let millis = (seconds * 1000.0).round() as i64;
    Duration::milliseconds(millis)
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

fn class(scenario: &str, version: &str) -> String {
    safe(&format!("castspec.{version}.{}", scenario.replace('/', ".")))
}

/// A text that junit-report can write: it puts texts into CDATA as they are, so `]]>` would end the section.
fn safe(text: &str) -> String {
    text::clean(text).replace("]]>", "]] >")
}
