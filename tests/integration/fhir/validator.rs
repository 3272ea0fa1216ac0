//! Base FHIR R4: resources that are right, and resources that are wrong in one place.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use castspec_fhircast::fhir::{Validator, resources_of};
use castspec_fhircast::protocol::Version;
use castspec_runner::scenario::{Templates, new_case};
use proptest::prelude::*;
use serde_json::{Value, json};

fn validator() -> &'static Validator {
    Validator::shared().unwrap()
}

/// Name and content of the files in a folder of `tests/fhir`, in order.
fn files(folder: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fhir")
        .join(folder);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let content = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), content)
        })
        .collect();
    files.sort_by(|one, other| one.0.cmp(&other.0));
    files
}

fn told(resource: &Value) -> Vec<String> {
    validator()
        .validate(resource)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn what_is_right_is_not_found_fault_with() {
    let files = files("good");
    assert!(files.len() >= 10, "only {} files", files.len());
    for (name, resource) in files {
        assert_eq!(told(&resource), Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_is_wrong_is_found_just_where_it_is() {
    let files = files("bad");
    assert!(files.len() >= 25, "only {} files", files.len());
    let mut wrong = Vec::new();
    for (name, file) in files {
        let wanted: BTreeSet<&str> = file["at"]
            .as_array()
            .unwrap()
            .iter()
            .map(|at| at.as_str().unwrap())
            .collect();
        let findings = validator().validate(&file["resource"]);
        let found: BTreeSet<&str> = findings.iter().map(|finding| finding.pointer.as_str()).collect();
        if found != wanted || findings.len() != wanted.len() {
            wrong.push(format!("{name}: expected at {wanted:?}, found {findings:#?}"));
        }
        for finding in &findings {
            assert!(
                file["resource"].pointer(&finding.pointer).is_some(),
                "{name}: {finding:?} points nowhere"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Strings of a resource, without those that say what it is.
fn values(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.len() > 3 => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| values(item, found)),
        Value::Object(members) => members.values().for_each(|member| values(member, found)),
        _ => {}
    }
}

#[test]
fn no_finding_tells_a_value() {
    let patient = json!({"resourceType": "Patient", "id": "Synthia_Testperson", "gender": "Synthia", "birthDate": "Synthia",
        "active": "Synthia", "name": [{"use": "Synthia", "family": ["Synthia"]}], "photo": [{"data": "Synthia"}],
        "multipleBirthInteger": 1.5, "maritalStatus": "Synthia", "text": {"status": "Synthia", "div": "Synthia"}});
    let told = told(&patient);
    assert!(told.len() >= 9, "{told:#?}");
    let mut texts = Vec::new();
    values(&patient, &mut texts);
    for text in texts.iter().filter(|text| *text != "Patient") {
        assert!(
            told.iter().all(|line| !line.contains(text.as_str())),
            "{text}: {told:#?}"
        );
    }
}

#[test]
fn a_finding_says_what_is_wrong_and_what_is_expected() {
    let told = told(
        &json!({"resourceType": "ImagingStudy", "subject": {"reference": "Patient/1"}, "started": "today",
        "series": [{"modality": "CT", "uid": "2.999"}], "numberOfSeries": -1}),
    );
    assert_eq!(
        told,
        [
            "/started is no dateTime; expected the form of dateTime in R4",
            "/series/0/modality is a string; expected an object",
            "/numberOfSeries is out of the range of unsignedInt; expected unsignedInt, whose limit is 0",
            "the resource has no 'status'; expected 'status' in ImagingStudy",
        ]
        .map(str::to_owned)
    );
}

/// Events with a template: the catalogue's, and each other resource that has one.
fn events() -> Vec<String> {
    let others = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/templates/stu3/resources/other.yaml");
    let others: Value = serde_saphyr::from_str(&fs::read_to_string(others).unwrap()).unwrap();
    let mut events: Vec<String> = [
        "Patient-open",
        "Encounter-open",
        "ImagingStudy-open",
        "DiagnosticReport-open",
        "DiagnosticReport-update",
        "DiagnosticReport-select",
        "SyncError",
        "UserLogout",
        "UserHibernate",
        "Home-open",
        "org.example.patient_transmogrify",
    ]
    .map(str::to_owned)
    .to_vec();
    for name in others.as_object().unwrap().keys() {
        events.extend([format!("{name}-open"), format!("{name}-update")]);
    }
    events
}

#[test]
fn every_template_is_valid() {
    let templates = Templates::embedded().unwrap();
    let mut count = 0;
    let case = new_case(|| {
        count += 1;
        format!("00000000-0000-4000-8000-{count:012}")
    });
    let mut judged = BTreeSet::new();
    let mut wrong = Vec::new();
    for event in events() {
        let context = templates
            .context(Version::Stu3, &event.parse().unwrap(), &case)
            .unwrap();
        for (pointer, resource) in resources_of(&context) {
            judged.insert(resource["resourceType"].as_str().unwrap().to_owned());
            wrong.extend(
                told(resource)
                    .into_iter()
                    .map(|line| format!("{event} at {pointer}: {line}")),
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(judged.len() > 30, "{judged:?}");
}

#[test]
fn resources_are_found_wherever_a_message_holds_them() {
    let message = json!({"timestamp": "x", "event": {"context": [
        {"key": "a", "resource": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}},
        {"key": "b", "reference": {"reference": "Patient/1"}},
        {"key": "c", "resource": {"resourceType": 7}},
    ]}});
    let places: Vec<String> = resources_of(&message).into_iter().map(|(at, _)| at).collect();
    assert_eq!(places, ["/event/context/0/resource", "/event/context/2/resource"]);
}

/// Every value with its JSON pointer.
fn places(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let name = name.replace('~', "~0").replace('/', "~1");
                places(member, format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
    found.push(pointer);
}

#[test]
fn any_wrong_value_anywhere_is_judged_without_harm() {
    let wrong = [
        json!(null),
        json!([]),
        json!({}),
        json!(-1.5),
        json!(1e300),
        json!(true),
        json!("*-\u{0}é/~0-open"),
        json!("ééééééééé"),
        json!([[{"key": []}], null]),
        json!({"resourceType": "Patient", "~": {"/": null}}),
    ];
    let mut judged = 0;
    for (name, resource) in files("good") {
        let mut pointers = Vec::new();
        places(&resource, String::new(), &mut pointers);
        for pointer in &pointers {
            for value in &wrong {
                let mut broken = resource.clone();
                *broken.pointer_mut(pointer).unwrap() = value.clone();
                judged += 1;
                for finding in validator().validate(&broken) {
                    assert!(
                        broken.pointer(&finding.pointer).is_some(),
                        "{name}: {finding:?} points nowhere in {broken}"
                    );
                    let told = finding.message.len() + finding.expected.len();
                    assert!(told < 400, "{finding:?} says too much");
                }
            }
        }
    }
    assert!(judged > 1000, "only {judged} resources");
}

fn nested(depth: usize) -> Value {
    let mut extension = json!({"url": "x", "valueBoolean": true});
    for _ in 0..depth {
        extension = json!({"url": "x", "extension": [extension]});
    }
    json!({"resourceType": "Patient", "extension": [extension]})
}

#[test]
fn depth_is_bounded() {
    assert_eq!(told(&nested(45)), Vec::<String>::new());
    for depth in [60, 500] {
        let findings = validator().validate(&nested(depth));
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].message.contains("too deeply"), "{findings:?}");
    }
    let told = resources_of(&nested(500)).len();
    assert_eq!(told, 1);
}

#[test]
fn the_number_of_findings_is_bounded() {
    let names: Vec<Value> = (0..2000).map(|number| json!({"use": number})).collect();
    let findings = validator().validate(&json!({"resourceType": "Patient", "name": names}));
    assert_eq!(findings.len(), 50);
}

/// JSON of any form, with the names of FHIR in it, so that it is looked into.
fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        proptest::sample::select(vec![
            "resourceType",
            "id",
            "extension",
            "_status",
            "status",
            "name",
            "given",
            "_given",
            "entry",
            "resource",
            "contained",
            "valueString",
            "_valueString",
            "valueDateTime",
            "url",
            "text",
            "div",
            "birthDate",
            "meta",
            "lastUpdated",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let text = prop_oneof![
        proptest::sample::select(vec![
            "Patient",
            "Bundle",
            "Observation",
            "Extension",
            "2024-02-30",
            ""
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_judged_without_harm(
        members in any_json(),
        resource_type in proptest::sample::select(vec!["Patient", "Bundle", "Observation", "Parameters"]),
    ) {
        let mut resource = members;
        if let Some(object) = resource.as_object_mut() {
            object.insert("resourceType".to_owned(), resource_type.into());
        }
        for finding in validator().validate(&resource) {
            prop_assert!(resource.pointer(&finding.pointer).is_some(), "{:?} points nowhere", finding);
        }
        for (pointer, nested) in resources_of(&resource) {
            prop_assert_eq!(resource.pointer(&pointer), Some(nested));
        }
    }
}
