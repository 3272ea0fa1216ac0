//! Copies have the id, the time and the context of the publication.

use serde_json::{Value, json};

use super::{FAIL, PASS, WARN};
use crate::hub::example::{Example, Findings};
use crate::hub::ids::{
    CONTEXT_UNALTERED, ID_REUSED, MEMBERS_UNALTERED, REQUIRED_ELEMENTS, SINGLE_PATIENT, TIMESTAMP,
};
use crate::outcome::Verdict;
use crate::protocol::Version;

fn delivered(change: impl FnOnce(&mut serde_json::Value)) -> Findings {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, change);
    example.judged()
}

#[test]
fn a_copy_is_as_it_was_published() {
    let findings = delivered(|_| {});
    for requirement in [ID_REUSED, TIMESTAMP, CONTEXT_UNALTERED] {
        assert_eq!(findings.verdict(requirement), PASS, "{requirement}");
    }
}

#[test]
fn a_broadcast_has_the_id_of_its_request() {
    let findings = delivered(|message| message["id"] = json!("another"));
    assert_eq!(findings.verdict(ID_REUSED), FAIL);
    let check = findings.check(ID_REUSED).unwrap();
    assert_eq!(check.expected.as_deref(), Some("event-0"));
    assert_eq!(check.observed.as_deref(), Some("another"));
}

#[test]
fn a_catch_up_may_have_another_id() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    example.subscribe("late", "Patient-open");
    example.deliver_changed("late", opened, |message| message["id"] = json!("another"));
    let findings = example.judged();
    assert_eq!(findings.verdict(ID_REUSED), None);
    assert_eq!(findings.verdict(CONTEXT_UNALTERED), PASS);
}

#[test]
fn the_time_is_that_of_the_event_in_whatever_precision() {
    for (time, verdict) in [
        ("2026-03-01T09:30:00Z", PASS),
        ("2026-03-01T10:30:00.000+01:00", PASS),
        ("2026-03-01T09:30:00.250Z", FAIL),
        ("2026-03-01T09:30:07.000Z", FAIL),
        ("yesterday", None),
    ] {
        let findings = delivered(|message| message["timestamp"] = json!(time));
        assert_eq!(findings.verdict(TIMESTAMP), verdict, "{time}");
    }
}

#[test]
fn nothing_of_the_context_is_lost() {
    let lost = delivered(|message| {
        let resource = &mut message["event"]["context"][0]["resource"];
        resource.as_object_mut().unwrap().remove("identifier");
    });
    assert_eq!(lost.verdict(CONTEXT_UNALTERED), FAIL);
    let check = lost.check(CONTEXT_UNALTERED).unwrap();
    assert!(
        check
            .message
            .contains("/event/context/0/resource/identifier is missing"),
        "{}",
        check.message
    );
    let changed = delivered(|message| {
        message["event"]["context"][0]["resource"]["identifier"][0]["value"] = json!("13");
    });
    assert_eq!(changed.verdict(CONTEXT_UNALTERED), FAIL);
}

#[test]
fn something_may_be_added_to_the_event() {
    let findings = delivered(|message| {
        message["event"]["context.versionId"] = json!("1");
        message["event"]["extension"] = json!({"a": 1});
        message["origin"] = json!("hub");
    });
    assert_eq!(findings.verdict(CONTEXT_UNALTERED), PASS);
    assert_eq!(findings.verdict(MEMBERS_UNALTERED), PASS);
}

/// The context of an `ImagingStudy-open`, with what a publisher may add.
fn study_context() -> Value {
    json!([
        {"key": "patient", "resource": {
            "resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:a", "value": "12"}, {"value": "13"}],
            "name": [{"family": "Berg", "given": ["Ann", "Lee"]}], "meta": {"versionId": "1"},
        }},
        {"key": "study", "resource": {
            "resourceType": "ImagingStudy", "id": "s", "identifier": [{"value": "A1"}], "status": "available",
            "subject": {"reference": "Patient/p"}, "numberOfSeries": 2,
        }},
        {"key": "extension", "data": {"zone": "+1:00"}},
    ])
}

/// The verdicts on the context and on its required elements under each version, of a study that came with another context.
fn passed_on(change: impl Fn(&mut Value)) -> [Option<Verdict>; 4] {
    let mut verdicts = [None; 4];
    for (at, version) in Version::ALL.into_iter().enumerate() {
        let mut example = Example::new(version);
        example.subscribe("viewer", "ImagingStudy-open");
        let opened = example.publish_context("viewer", "ImagingStudy-open", &study_context());
        example.deliver_changed("viewer", opened, |message| {
            change(&mut message["event"]["context"])
        });
        let findings = example.judged();
        verdicts[at] = findings.verdict(CONTEXT_UNALTERED);
        if version == Version::Stu2 {
            verdicts[3] = findings.verdict(REQUIRED_ELEMENTS);
        }
    }
    verdicts
}

pub(super) fn remove(context: &mut Value, pointer: &str, member: &str) {
    let object = context.pointer_mut(pointer).unwrap();
    object.as_object_mut().unwrap().remove(member);
}

#[test]
fn no_version_lets_a_hub_tell_something_else() {
    type Alteration = fn(&mut Value);
    let alterations: [(&str, Alteration); 10] = [
        ("another patient", |context| {
            context[0]["resource"]["id"] = json!("q")
        }),
        ("another identifier", |context| {
            context[0]["resource"]["identifier"][0]["value"] = json!("99")
        }),
        ("another system", |context| {
            context[0]["resource"]["identifier"][0]["system"] = json!("urn:b")
        }),
        ("half an identifier", |context| {
            remove(context, "/0/resource/identifier/0", "system")
        }),
        ("another name", |context| {
            context[0]["resource"]["name"][0]["family"] = json!("Bergh")
        }),
        ("another reference", |context| {
            context[1]["resource"]["subject"]["reference"] = json!("Patient/q")
        }),
        ("another number", |context| {
            context[1]["resource"]["numberOfSeries"] = json!(3)
        }),
        ("a text in place of a number", |context| {
            context[1]["resource"]["numberOfSeries"] = json!("2")
        }),
        ("no patient", |context| {
            context.as_array_mut().unwrap().remove(0);
        }),
        ("a second patient", |context| {
            let mut other = context[0].clone();
            other["resource"]["id"] = json!("q");
            context.as_array_mut().unwrap().push(other);
        }),
    ];
    for (what, alteration) in alterations {
        let [stu1, stu2, stu3, _] = passed_on(alteration);
        assert_eq!([stu1, stu2, stu3], [FAIL; 3], "{what}");
    }
    let swapped = passed_on(|context| {
        let resource = context[0]["resource"].take();
        context[0]["resource"] = context[1]["resource"].take();
        context[1]["resource"] = resource;
    });
    assert_eq!(swapped[..3], [FAIL; 3]);
    let strange = json!({"key": "observation", "resource": {"resourceType": "Observation", "id": "o"}});
    let added = passed_on(|context| context.as_array_mut().unwrap().push(strange.clone()));
    assert_eq!(added[..3], [FAIL; 3]);
}

#[test]
fn earlier_versions_let_a_hub_limit_and_complete_the_resources() {
    for (what, change, stu1, stu2, stu3, required) in [
        (
            "nothing",
            Box::new(|_: &mut Value| {}) as Box<dyn Fn(&mut Value)>,
            PASS,
            PASS,
            PASS,
            PASS,
        ),
        (
            "an element left out",
            Box::new(|context| remove(context, "/0/resource", "name")),
            PASS,
            PASS,
            FAIL,
            PASS,
        ),
        (
            "no id",
            Box::new(|context| remove(context, "/0/resource", "id")),
            PASS,
            PASS,
            FAIL,
            FAIL,
        ),
        (
            "no identifiers",
            Box::new(|context| remove(context, "/1/resource", "identifier")),
            PASS,
            PASS,
            FAIL,
            FAIL,
        ),
        (
            "an identifier left out",
            Box::new(|context| {
                context[0]["resource"]["identifier"]
                    .as_array_mut()
                    .unwrap()
                    .remove(0);
            }),
            PASS,
            PASS,
            FAIL,
            FAIL,
        ),
        (
            "a local identifier",
            Box::new(|context| {
                context[0]["resource"]["identifier"]
                    .as_array_mut()
                    .unwrap()
                    .insert(0, json!({"value": "local"}));
            }),
            PASS,
            PASS,
            FAIL,
            PASS,
        ),
        (
            "another element",
            Box::new(|context| context[0]["resource"]["active"] = json!(true)),
            PASS,
            PASS,
            WARN,
            PASS,
        ),
        (
            "a member beside the resource",
            Box::new(|context| context[0]["note"] = json!("n")),
            WARN,
            WARN,
            WARN,
            PASS,
        ),
        (
            "meta of the hub",
            Box::new(|context| context[1]["resource"]["meta"] = json!({"versionId": "7"})),
            PASS,
            PASS,
            PASS,
            PASS,
        ),
        (
            "more meta",
            Box::new(|context| context[0]["resource"]["meta"]["tag"] = json!([])),
            PASS,
            PASS,
            PASS,
            PASS,
        ),
        (
            "another order of entries",
            Box::new(|context| context.as_array_mut().unwrap().reverse()),
            PASS,
            PASS,
            PASS,
            PASS,
        ),
        (
            "another order of names",
            Box::new(|context| {
                context[0]["resource"]["name"][0]["given"]
                    .as_array_mut()
                    .unwrap()
                    .reverse();
            }),
            WARN,
            WARN,
            WARN,
            PASS,
        ),
        (
            "no extension",
            Box::new(|context| {
                context.as_array_mut().unwrap().pop();
            }),
            PASS,
            WARN,
            FAIL,
            PASS,
        ),
    ] {
        let verdicts = passed_on(change);
        assert_eq!(verdicts, [stu1, stu2, stu3, required], "{what}");
    }
}

#[test]
fn a_hub_may_complete_a_context_in_earlier_versions_and_add_an_extension_in_all() {
    let added = |version: Version, event: &str, entry: Value| {
        let mut example = Example::under(version, &["viewer"]);
        let opened = example.publish("viewer", event);
        example.deliver_changed("viewer", opened, |message| {
            message["event"]["context"].as_array_mut().unwrap().push(entry);
        });
        example.judged().verdict(CONTEXT_UNALTERED)
    };
    let encounter = json!({"key": "encounter", "resource": {"resourceType": "Encounter", "id": "e"}});
    let extension = json!({"key": "extension", "data": {}});
    for version in [Version::Stu1, Version::Stu2] {
        assert_eq!(added(version, "Patient-open", encounter.clone()), PASS);
        assert_eq!(added(version, "Patient-open", extension.clone()), PASS);
    }
    assert_eq!(added(Version::Stu3, "Patient-open", encounter), FAIL);
    assert_eq!(added(Version::Stu3, "Patient-open", extension), PASS);
}

#[test]
fn what_a_definition_does_not_name_may_be_dropped_in_earlier_versions() {
    let dropped = |version: Version, event: &str| {
        let mut example = Example::new(version);
        example.subscribe("viewer", event);
        let patient = json!({"key": "patient", "resource": {"resourceType": "Patient", "id": "p"}});
        let note = json!({"key": "note", "resource": {"resourceType": "Basic", "id": "n"}});
        let opened = example.publish_context("viewer", event, &json!([patient, note]));
        example.deliver_changed("viewer", opened, |message| {
            message["event"]["context"].as_array_mut().unwrap().pop();
        });
        example.judged().verdict(CONTEXT_UNALTERED)
    };
    for version in [Version::Stu1, Version::Stu2] {
        assert_eq!(dropped(version, "Patient-open"), PASS);
        assert_eq!(
            dropped(version, "org.example.visit"),
            FAIL,
            "nobody knows its definition"
        );
    }
    assert_eq!(dropped(Version::Stu3, "Patient-open"), FAIL);
}

#[test]
fn a_decimal_keeps_its_precision() {
    for (value, verdict) in [
        ("1.50", PASS),
        ("1.5", WARN),
        ("1.500", WARN),
        ("15e-1", WARN),
        ("15.0e-1", PASS),
        ("150e-2", PASS),
        ("1.51", FAIL),
    ] {
        let mut example = Example::with(&["viewer"]);
        let opened = example.publish_text("viewer", &with_decimal("1.50"));
        example.send_text("viewer", &with_decimal(value));
        assert_eq!(opened, 0);
        assert_eq!(example.verdict(CONTEXT_UNALTERED), verdict, "{value}");
    }
}

fn with_decimal(value: &str) -> String {
    format!(
        r#"{{"timestamp": "2026-03-01T09:30:00.000Z", "id": "a", "event": {{"hub.topic": "session", "hub.event": "Patient-open",
        "context": [{{"key": "patient", "resource": {{"resourceType": "Patient", "id": "p", "extension": [{{"valueDecimal": {value}}}]}}}}]}}}}"#
    )
}

#[test]
fn a_patient_open_has_one_patient() {
    let with = |version: Version, published: usize, delivered: usize| {
        let patient = |id: usize| json!({"key": "patient", "resource": {"resourceType": "Patient", "id": id.to_string()}});
        let context = |number: usize| (0..number).map(patient).collect::<Value>();
        let mut example = Example::under(version, &["viewer"]);
        let opened = example.publish_context("viewer", "Patient-open", &context(published));
        example.deliver_changed("viewer", opened, |message| {
            message["event"]["context"] = context(delivered)
        });
        example.judged().verdict(SINGLE_PATIENT)
    };
    for version in [Version::Stu1, Version::Stu2] {
        assert_eq!(with(version, 1, 1), PASS);
        assert_eq!(with(version, 1, 2), FAIL);
        assert_eq!(with(version, 2, 2), None, "so it was published");
        assert_eq!(with(version, 1, 0), None, "there is none");
    }
    assert_eq!(with(Version::Stu3, 1, 2), None, "STU3 does not state it");
}

#[test]
fn what_a_token_may_not_allow_one_subscriber_to_see_only_warns() {
    let without_patient = |message: &mut Value| message["event"]["context"] = json!([]);
    let mut example = Example::under(Version::Stu2, &["viewer", "worklist"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver("viewer", opened);
    example.deliver_changed("worklist", opened, without_patient);
    assert_eq!(example.verdict(CONTEXT_UNALTERED), WARN);
    let mut example = Example::under(Version::Stu2, &["viewer", "worklist"]);
    let opened = example.publish("viewer", "Patient-open");
    example.deliver_changed("viewer", opened, without_patient);
    example.deliver_changed("worklist", opened, without_patient);
    assert_eq!(example.verdict(CONTEXT_UNALTERED), FAIL, "nobody was sent it");
}
