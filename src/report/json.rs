//! `report.json`: everything, for programs.

use serde_json::{Value, json};

use super::ReportError;
use super::record::Record;

/// Renders the report.
pub fn render(record: &Record) -> Result<String, ReportError> {
    let began = record.began.as_ref();
    let scenarios: Vec<Value> = record
        .scenarios
        .iter()
        .map(|own| {
            let mut value = json!({
                "name": own.name,
                "title": own.title,
                "fhircast_version": own.version,
                "duration_ms": millis(own.duration),
            });
            if let (Some(members), Ok(Value::Object(told))) =
                (value.as_object_mut(), serde_json::to_value(&own.disposition))
            {
                members.extend(told);
            }
            if let (Some(members), false) = (value.as_object_mut(), own.transcript.is_empty()) {
                members.insert("transcript".to_owned(), json!(own.transcript));
            }
            value
        })
        .collect();
    let report = json!({
        "tool": began.map(|own| &own.tool),
        "started": began.map(|own| &own.started),
        "duration_ms": millis(record.duration),
        "target": began.map(|own| &own.target),
        "further_targets": began.map(|own| &own.further_targets),
        "summary": record.summary(),
        "interrupted": record.interrupted,
        "hub_lost": record.hub_lost,
        "checks": record.checks,
        "observations": record.observations,
        "scenarios": scenarios,
    });
    serde_json::to_string_pretty(&report)
        .map(|text| text + "\n")
        .map_err(|error| ReportError::Render {
            name: "report.json",
            problem: error.to_string(),
        })
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
