//! The JSON Schema by which editors complete scenarios says what the parser says.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use castspec_fhircast::requirement::Catalogue;
use castspec_runner::scenario::{Problem, Scenario};
use serde_json::{Value, json};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn schema() -> Value {
    let text = std::fs::read_to_string(root().join("schemas/scenario.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn validator() -> jsonschema::Validator {
    jsonschema::draft202012::new(&schema()).unwrap()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("scenarios/requirements") && !path.ends_with("scenarios/templates") {
                collect(&path, files);
            }
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
}

#[test]
fn every_bundled_scenario_is_valid() {
    let validator = validator();
    let mut files = Vec::new();
    collect(&root().join("scenarios"), &mut files);
    assert!(files.len() >= 50);
    for file in files {
        let value: Value = serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let problems: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(problems.is_empty(), "{}: {problems:#?}", file.display());
    }
}

#[test]
fn everything_has_a_description() {
    fn look(value: &Value, path: &str, bare: &mut Vec<String>) {
        if let Some(members) = value.get("properties").and_then(Value::as_object) {
            for (name, member) in members {
                let reference = member.get("$ref").is_some();
                if !reference
                    && member.is_object()
                    && member.get("description").is_none()
                    && !path.ends_with("then")
                {
                    bare.push(format!("{path}/{name}"));
                }
                look(member, &format!("{path}/{name}"), bare);
            }
        }
        for (name, inner) in value
            .get("$defs")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            for wanted in ["title", "description"] {
                if inner.get(wanted).is_none() {
                    bare.push(format!("{name} has no {wanted}"));
                }
            }
            look(inner, name, bare);
        }
    }
    let mut bare = Vec::new();
    look(&schema(), "", &mut bare);
    assert!(bare.is_empty(), "{bare:#?}");
}

fn document(step: &str) -> String {
    format!(
        "title: t\nversions: [STU3]\nsubscribers: {{v: {{events: [Patient-open]}}}}\nsteps:\n  - {step}\n"
    )
}

#[test]
fn what_a_schema_can_see_is_rejected() {
    let validator = validator();
    let valid = |text: &str| validator.is_valid(&serde_saphyr::from_str::<Value>(text).unwrap());
    let base = "discover: {save: a}";
    assert!(valid(&document(base)));
    let whole = [
        document(base).replace("title: t\n", ""),
        document(base).replace("title: t", "title: ' '"),
        document(base).replace("title", "titel"),
        document(base).replace("STU3", "STU4"),
        document(base).replace("[STU3]", "[]"),
        document(base).replace("versions: [STU3]\n", ""),
        document(base).replace("steps:\n", "needs: [telepathy]\nsteps:\n"),
        document(base).replace("{v:", "{topic:"),
        document(base).replace("{v:", "{a b:"),
        document(base).replace("[Patient-open]", "[]"),
        document(base).replace("Patient-open", "Patient-*"),
        document(base).replace("events: [Patient-open]", "answers: []"),
        document(base).replace("{events:", "{lease_seconds: -1, events:"),
        document(base).replace("{events:", "{answers: [{status: 99}], events:"),
        document(base).replace("{events:", "{channel: telepathy, events:"),
        document(base).replace("{events:", "{verifications: {status: 100}, events:"),
        document(base).replace("{events:", "{answers: [{never: true, status: 200}], events:"),
    ];
    for text in &whole {
        assert!(!valid(text), "{text}");
    }
    for step in [
        "5",
        "{}",
        "publsh: {by: v, event: a}",
        "{subscribe: [v], abort: v}",
        "subscribe: v",
        "subscribe: []",
        "publish: {by: v}",
        "publish: {by: v, event: a, times: 0}",
        "publish: {by: v, event: 'a b'}",
        "publish: {by: v, event: a, save: case}",
        "publish: {by: v, event: a, save: a b}",
        "publish: {by: v, event: a, when: a or b}",
        "publish: {by: v, event: a, unknown: 1}",
        "request: {by: v, form: [[a]]}",
        "request: {by: v, form: [[a, b]], json: {}}",
        "request: {by: v, json: {}, padding: 1}",
        "request: {by: v, method: post}",
        "request: {by: v, kind: nothing}",
        "request: {by: v, answer: [{}]}",
        "request: {by: v, answer: [{status: 200}]}",
        "request: {by: v, answer: [{status: {one_of: [99]}}]}",
        "request: {by: v, answer: [{status: {one_of: []}}]}",
        "request: {by: v, answer: [{unmet: warn, status: any}]}",
        "request: {by: v, answer: [{requirement: A B, status: any}]}",
        "request: {by: v, answer: [{has: {id: {equals: 1}}}]}",
        "request: {by: v, answer: [{has: {/id: {equals: 1, exists: true}}}]}",
        "request: {by: v, answer: [{has: {/id: {}}}]}",
        "request: {by: v, answer: [{has: {/id: {equal: 1}}}]}",
        "request: {by: v, answer: [{has: {/id: {type: text}}}]}",
        "request: {by: v, answer: [{has: {/id: {one_of: []}}}]}",
        "request: {by: v, answer: [{has: {/id: {contains: {x: {exists: true}}}}}]}",
        "expect: {at: v}",
        "expect: {at: v, message: {kind: news}}",
        "expect: {at: v, message: {kind: denial}, within: ages}",
        "expect: {at: v, message: {kind: denial}, checks: [{requirement: a.b, has: {}}]}",
        "expect: {at: v, message: {kind: denial}, checks: [{requirement: a.b}]}",
        "verifications: {of: v}",
        "absent: {at: v, message: {kind: denial}}",
        "send: {by: v}",
        "send: {by: v, text: a, json: {}}",
        "send: {by: v, bytes: [256]}",
        "disconnect: {subscriber: v, code: 1006}",
        "disconnect: {subscriber: v, code: 200}",
        "fence: {at: []}",
        "check: {requirement: a.b, value: 1}",
        "observe: {subject: a-b, readings: []}",
    ] {
        assert!(!valid(&document(step)), "{step}");
    }
}

fn names(value: &Value) -> BTreeSet<String> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no properties in {value}"))
        .keys()
        .cloned()
        .collect()
}

/// The members or words that the parser knows at the place of `zzz`.
fn known_to_the_parser(text: &str) -> BTreeSet<String> {
    let errors = Scenario::parse("a/b", "b.yaml", text, &Catalogue::default()).unwrap_err();
    errors
        .0
        .iter()
        .find_map(|fault| match &fault.problem {
            Problem::UnknownField { name, known, .. } if name == "zzz" => Some(known),
            Problem::UnknownWord { word, known, .. } if word == "zzz" => Some(known),
            _ => None,
        })
        .unwrap_or_else(|| panic!("{text}: {errors}"))
        .iter()
        .cloned()
        .collect()
}

#[test]
fn schema_and_parser_know_the_same_members_and_words() {
    let schema = schema();
    let defs = &schema["$defs"];
    let properties = |name: &str| names(&defs[name]["properties"]);
    let words = |value: &Value| -> BTreeSet<String> {
        value["oneOf"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word["const"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&schema["properties"]),
        known_to_the_parser(&format!("zzz: 1\n{}", document("abort: v")))
    );
    assert_eq!(properties("step"), known_to_the_parser(&document("zzz: 1")));
    assert_eq!(
        properties("matcher"),
        known_to_the_parser(&document("check: {requirement: a.b, value: 1, is: {zzz: 1}}"))
    );
    for step in names(&defs["step"]["properties"]) {
        if !matches!(step.as_str(), "subscribe" | "abort") {
            assert_eq!(
                properties(&step),
                known_to_the_parser(&document(&format!("{step}: {{zzz: 1}}"))),
                "{step}"
            );
        }
    }
    for (name, step) in [
        ("answer-expectation", "discover: {answer: [{zzz: 1}]}"),
        ("answer-rule", "answers: {of: v, rules: [{zzz: 1}]}"),
        ("selector", "expect: {at: v, message: {zzz: 1}}"),
        (
            "message-check",
            "expect: {at: v, message: {kind: denial}, checks: [{zzz: 1}]}",
        ),
        ("reading", "observe: {subject: a, readings: [{zzz: 1}]}"),
        ("verifying", "verifications: {of: v, rule: {zzz: 1}}"),
    ] {
        assert_eq!(properties(name), known_to_the_parser(&document(step)), "{name}");
    }
    let subscriber = document("abort: v").replace("{events:", "{zzz: 1, events:");
    assert_eq!(properties("subscriber"), known_to_the_parser(&subscriber));
    for (value, step) in [
        (
            &defs["within"],
            "expect: {at: v, message: {kind: denial}, within: zzz}",
        ),
        (&defs["unmet"], "discover: {answer: [{unmet: zzz}]}"),
        (
            &defs["selector"]["properties"]["kind"],
            "expect: {at: v, message: {kind: zzz}}",
        ),
        (
            &defs["request"]["properties"]["kind"],
            "request: {by: v, kind: zzz}",
        ),
        (
            &defs["answer-expectation"]["properties"]["content_type"],
            "discover: {answer: [{content_type: zzz}]}",
        ),
    ] {
        assert_eq!(words(value), known_to_the_parser(&document(step)), "{step}");
    }
    let channel = document("abort: v").replace("{events:", "{channel: zzz, events:");
    assert_eq!(
        words(&defs["subscriber"]["properties"]["channel"]),
        known_to_the_parser(&channel)
    );
    let needs = document("abort: v").replace("steps:", "needs: [zzz]\nsteps:");
    assert_eq!(words(&defs["capability"]), known_to_the_parser(&needs));
    let statuses = known_to_the_parser(&document("discover: {answer: [{status: zzz}]}"));
    let status = &defs["answer-expectation"]["properties"]["status"]["oneOf"];
    let mut stated: BTreeSet<String> = serde_json::from_value(status[0]["enum"].clone()).unwrap();
    stated.extend(names(&status[1]["properties"]));
    assert_eq!(stated, statuses);
    assert_eq!(
        schema["properties"]["versions"]["items"]["enum"],
        json!(["STU1", "STU2", "STU3"])
    );
}

#[test]
fn the_examples_of_the_documentation_are_in_order() {
    let validator = validator();
    let catalogue = Catalogue::embedded().unwrap();
    let text = std::fs::read_to_string(root().join("docs/scenarios.md")).unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let mut seen = 0;
    for page in [text, readme] {
        for block in page.split("```yaml\n").skip(1) {
            let yaml = block.split("```").next().unwrap();
            if !yaml.contains("\nsteps:\n") {
                continue;
            }
            seen += 1;
            if let Err(errors) = Scenario::parse("docs/example", "example.yaml", yaml, &catalogue) {
                panic!("{yaml}\n{}", errors.0[0].rendered());
            }
            assert!(
                validator.is_valid(&serde_saphyr::from_str::<Value>(yaml).unwrap()),
                "{yaml}"
            );
        }
    }
    assert!(seen >= 5, "{seen}");
}
