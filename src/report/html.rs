//! `index.html`: one self-contained page, for people.

use minijinja::{AutoEscape, Environment};
use serde_json::{Value, json};

use super::ReportError;
use super::record::Record;
use super::text;
use crate::outcome::{Disposition, Verdict};

const TEMPLATE: &str = include_str!("index.html.jinja");

/// Renders the page.
pub fn render(record: &Record, strict: bool) -> Result<String, ReportError> {
    let error = |problem: minijinja::Error| ReportError::Render {
        name: "index.html",
        problem: problem.to_string(),
    };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("index.html", TEMPLATE).map_err(error)?;
    let conclusion = record.conclusion(strict);
    let mut checks: Vec<_> = record.checks.iter().collect();
    let rank = |verdict: Verdict| match verdict {
        Verdict::Fail => 0,
        Verdict::Warn => 1,
        Verdict::Inconclusive => 2,
        Verdict::Skip => 3,
        Verdict::Pass => 4,
    };
    checks.sort_by_key(|check| rank(check.verdict));
    let (passed, others): (Vec<_>, Vec<_>) = checks
        .into_iter()
        .partition(|check| check.verdict == Verdict::Pass);
    let told = |check: &&crate::outcome::Check| -> Value {
        let evidence: Vec<String> = check.evidence.iter().map(text::evidence).collect();
        json!({
            "verdict": check.verdict,
            "requirement": check.requirement,
            "scenario": check.scenario,
            "level": check.level,
            "section": check.section,
            "url": check.url,
            "statement": check.statement,
            "message": text::clean(&check.message),
            "expected": check.expected.as_deref().map(text::clean),
            "observed": check.observed.as_deref().map(text::clean),
            "evidence": evidence,
            "repeat": check.repeat,
        })
    };
    let errors: Vec<Value> = record
        .scenarios
        .iter()
        .filter_map(|own| match &own.disposition {
            Disposition::Error(why) => Some(json!({"scenario": own.name, "why": text::clean(why)})),
            _ => None,
        })
        .collect();
    let readings: Vec<Value> = record
        .readings()
        .into_iter()
        .map(|(subject, reading, scenarios)| json!({"subject": subject, "reading": reading, "scenarios": scenarios}))
        .collect();
    let began = record.began.as_ref();
    let page = json!({
        "tool": began.map(|own| &own.tool),
        "started": began.map(|own| &own.started),
        "target": began.map(|own| &own.target),
        "seconds": format!("{:.2}", record.duration.as_secs_f64()),
        "sentence": conclusion.sentence(),
        "good": conclusion.exit_code() == 0,
        "summary": record.summary(),
        "hub_lost": record.hub_lost,
        "errors": errors,
        "readings": readings,
        "others": others.iter().map(told).collect::<Vec<_>>(),
        "passed": passed.iter().map(told).collect::<Vec<_>>(),
    });
    environment
        .get_template("index.html")
        .and_then(|template| template.render(minijinja::value::Serde(&page)))
        .map(|page| text::clean(&page))
        .map_err(error)
}
