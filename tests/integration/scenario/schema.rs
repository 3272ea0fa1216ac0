//! The JSON Schema by which editors complete scenarios says what the parser says.
//!
//! `UPDATE_EXPECTED=1 cargo test --test integration scenario::schema` writes `schemas/scenario.schema.json` anew.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use castspec_fhircast::requirement::Catalogue;
use castspec_runner::scenario::{Problem, Scenario, schema};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_file_is_what_the_program_derives() {
    let file = root().join("schemas/scenario.schema.json");
    let derived = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        std::fs::write(&file, &derived).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written == derived,
        "UPDATE_EXPECTED=1 cargo test --test integration scenario::schema writes schemas/scenario.schema.json anew"
    );
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
        document(base).replace("steps:\n", "intrusive: ' '\nsteps:\n"),
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
        "publish: {by: v, event: a, when: {all: [b, {any: [not c, d]}]}}",
        "publish: {by: v, event: a, context: {template: b, with: {updates: {entry: []}}, without: [patient]}}",
        "publish: {by: v, event: a, context: [{key: patient}]}",
        "request: {by: v, answer: [{refusal: subscribe, unmet: warn, when: a}]}",
        "fence: {at: [v], when: a}",
        "stay_quiet: {at: v, by: v, event: Patient-open, requirement: a.b, when: a}",
    ] {
        assert!(valid(&document(step)), "{step}");
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
        "publish: {by: v, event: a, when: {all: []}}",
        "publish: {by: v, event: a, when: {none: [b]}}",
        "publish: {by: v, event: a, when: {all: [b], any: [c]}}",
        "publish: {by: v, event: a, when: {all: [{any: ['b c']}]}}",
        "publish: {by: v, event: a, context: {with: {}, unknown: 1}}",
        "publish: {by: v, event: a, context: {template: 'a b'}}",
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
        "request: {by: v, answer: [{refusal: publish}]}",
        "request: {by: v, answer: [{refusal: subscribe, status: any}]}",
        "request: {by: v, answer: [{refusal: subscribe, requirement: a.b}]}",
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

/// The schema at a JSON pointer, with every reference on the way followed.
fn at<'s>(schema: &'s Value, pointer: &str) -> &'s Value {
    let follow = |value: &'s Value| match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => schema.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    };
    let steps = pointer.split('/').skip(1);
    steps.fold(schema, |value, step| {
        let inner = match value.as_array() {
            Some(items) => items.get(step.parse::<usize>().unwrap()),
            None => value.get(step),
        };
        follow(inner.unwrap_or_else(|| panic!("there is no {pointer}")))
    })
}

/// The words that may stand at a JSON pointer.
fn words(schema: &Value, pointer: &str) -> BTreeSet<String> {
    let choices = at(schema, pointer)["oneOf"].as_array();
    let choices = choices.unwrap_or_else(|| panic!("{pointer} is no choice")).iter();
    choices
        .map(|choice| match choice.get("properties") {
            Some(members) => names(members).into_iter().next().unwrap(),
            None => choice["const"].as_str().unwrap().to_owned(),
        })
        .collect()
}

#[test]
fn schema_and_parser_know_the_same_members_and_words() {
    let schema = schema();
    let properties = |pointer: &str| names(&at(&schema, pointer)["properties"]);
    assert_eq!(
        names(&schema["properties"]),
        known_to_the_parser(&format!("zzz: 1\n{}", document("abort: v")))
    );
    let step = "/properties/steps/items";
    assert_eq!(properties(step), known_to_the_parser(&document("zzz: 1")));
    for name in properties(step) {
        if !matches!(name.as_str(), "subscribe" | "abort") {
            assert_eq!(
                properties(&format!("{step}/properties/{name}")),
                known_to_the_parser(&document(&format!("{name}: {{zzz: 1}}"))),
                "{name}"
            );
        }
    }
    for (pointer, step) in [
        (
            "check/properties/is",
            "check: {requirement: a.b, value: 1, is: {zzz: 1}}",
        ),
        (
            "discover/properties/answer/items",
            "discover: {answer: [{zzz: 1}]}",
        ),
        (
            "answers/properties/rules/items",
            "answers: {of: v, rules: [{zzz: 1}]}",
        ),
        ("expect/properties/message", "expect: {at: v, message: {zzz: 1}}"),
        (
            "expect/properties/checks/items",
            "expect: {at: v, message: {kind: denial}, checks: [{zzz: 1}]}",
        ),
        (
            "observe/properties/readings/items",
            "observe: {subject: a, readings: [{zzz: 1}]}",
        ),
        (
            "verifications/properties/rule",
            "verifications: {of: v, rule: {zzz: 1}}",
        ),
        (
            "publish/properties/context/then",
            "publish: {by: v, event: Patient-open, context: {with: {}, zzz: 1}}",
        ),
        ("discover/properties/when/anyOf/1", "discover: {when: {zzz: []}}"),
    ] {
        let pointer = format!("/$defs/step/properties/{pointer}");
        assert_eq!(
            properties(&pointer),
            known_to_the_parser(&document(step)),
            "{pointer}"
        );
    }
    let subscriber = document("abort: v").replace("{events:", "{zzz: 1, events:");
    let subscribers = "/properties/subscribers/additionalProperties";
    assert_eq!(properties(subscribers), known_to_the_parser(&subscriber));
    let answer = "/$defs/step/properties/discover/properties/answer/items/properties";
    let steps = "/$defs/step/properties";
    for (pointer, text) in [
        (
            format!("{steps}/expect/properties/within"),
            document("expect: {at: v, message: {kind: denial}, within: zzz}"),
        ),
        (
            format!("{steps}/expect/properties/message/properties/kind"),
            document("expect: {at: v, message: {kind: zzz}}"),
        ),
        (
            format!("{steps}/request/properties/kind"),
            document("request: {by: v, kind: zzz}"),
        ),
        (
            format!("{answer}/unmet"),
            document("discover: {answer: [{unmet: zzz}]}"),
        ),
        (
            format!("{answer}/content_type"),
            document("discover: {answer: [{content_type: zzz}]}"),
        ),
        (
            format!("{answer}/status"),
            document("discover: {answer: [{status: zzz}]}"),
        ),
        (
            format!("{answer}/refusal"),
            document("discover: {answer: [{refusal: zzz}]}"),
        ),
        (
            format!("{subscribers}/properties/channel"),
            document("abort: v").replace("{events:", "{channel: zzz, events:"),
        ),
        (
            "/properties/needs/items".to_owned(),
            document("abort: v").replace("steps:", "needs: [zzz]\nsteps:"),
        ),
        (
            "/properties/versions/items".to_owned(),
            document("abort: v").replace("[STU3]", "[zzz]"),
        ),
    ] {
        assert_eq!(words(&schema, &pointer), known_to_the_parser(&text), "{pointer}");
    }
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
