//! The scenario files against the schema that editors complete them by.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use castspec::requirement::Catalogue;
use castspec::scenario::Library;
use serde_json::{Value, json};

fn schema() -> jsonschema::Validator {
    let text = std::fs::read_to_string("schemas/scenario.schema.json").unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[test]
fn every_bundled_scenario_is_valid_against_the_schema() {
    let schema = schema();
    let library = Library::embedded(&Catalogue::embedded().unwrap()).unwrap();
    for scenario in library.iter() {
        let text = std::fs::read_to_string(format!("scenarios/{}.yaml", scenario.name)).unwrap();
        let document: Value = serde_saphyr::from_str(&text).unwrap();
        let errors: Vec<String> = schema
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", scenario.name);
    }
}

#[test]
fn what_the_language_refuses_the_schema_refuses_too() {
    let schema = schema();
    let with_step = |step: Value| json!({"title": "x", "versions": ["STU3"], "steps": [step]});
    let wrong = [
        json!({"versions": ["STU3"], "steps": []}),
        json!({"title": "x", "versions": ["STU4"], "steps": []}),
        json!({"title": "x", "versions": ["STU3"], "steps": [], "more": 1}),
        json!({"title": "x", "versions": ["STU3"], "needs": ["magic"], "steps": []}),
        with_step(json!({"publsh": {}})),
        with_step(json!({"publish": {"by": "a"}})),
        with_step(json!({"publish": {"by": "a", "event": "Patient-open", "evnt": 1}})),
        with_step(json!({"subscribe": "a"})),
        with_step(json!({"subscribe": ["a"], "abort": "a"})),
        with_step(json!({"expect": {"at": "a", "message": {"kind": "notice"}}})),
        with_step(json!({"expect": {"at": "a", "message": {"kind": "denial"}, "within": "soon"}})),
        with_step(json!({"expect": {"at": "a", "message": {"kind": "denial", "has": {"/x": {"equal": 1}}}}})),
        with_step(json!({"disconnect": {"subscriber": "a", "code": 7}})),
        with_step(json!({"request": {"by": "a", "form": {"hub.mode": "subscribe"}}})),
    ];
    for document in wrong {
        assert!(!schema.is_valid(&document), "{document}");
    }
    assert!(schema.is_valid(&with_step(json!({"abort": "a"}))));
}
