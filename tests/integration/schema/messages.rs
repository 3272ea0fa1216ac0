//! Every file in `tests/messages` is judged by the schemas of its version: the valid ones break nothing, the invalid ones
//! break exactly the requirements in their names.
//!
//! An invalid file is named `<requirement>[+<requirement>…]--<what>.json`. Where `<what>` begins with `warn-` or `note-`,
//! that is what the violation must come to; otherwise it is the level of the requirement that decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::{Catalogue, Evidence, Requirement, RequirementId};
use castspec_fhircast::schema::{Judgement, MessageKind, Schemas, Sender, Unmet};
use serde_json::{Value, json};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The schemas of every version, with the least numbers of valid and invalid messages that it has in `tests/messages`.
fn versions() -> Vec<(Schemas, usize, usize)> {
    [
        (Version::Stu1, 40, 150),
        (Version::Stu2, 60, 200),
        (Version::Stu3, 80, 300),
    ]
    .map(|(version, valid, invalid)| (Schemas::load(version).unwrap(), valid, invalid))
    .into()
}

fn folder_of(version: Version) -> String {
    version.name().to_lowercase()
}

fn files(schemas: &Schemas, folder: &str) -> Vec<(MessageKind, PathBuf)> {
    let messages = Path::new(ROOT)
        .join("tests/messages")
        .join(folder_of(schemas.version()));
    let mut found = Vec::new();
    for kind in schemas.kinds() {
        let folder = messages.join(folder).join(kind.name());
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            found.push((kind, entry.unwrap().path()));
        }
    }
    found
}

fn judge_value(schemas: &Schemas, kind: MessageKind, message: &Value) -> Judgement {
    let judgement = schemas.judge(kind, message);
    let Some(event) = message.get("event") else {
        return judgement;
    };
    let name = event.get("hub.event").and_then(Value::as_str).unwrap_or_default();
    judgement.join(schemas.judge_context_of(kind.sender(), name, event), "/event")
}

fn judge(schemas: &Schemas, kind: MessageKind, path: &Path) -> (Value, Judgement) {
    let message: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let judgement = judge_value(schemas, kind, &message);
    (message, judgement)
}

#[test]
fn valid_messages_break_nothing() {
    for (schemas, least, _) in versions() {
        let files = files(&schemas, "valid");
        assert!(files.len() > least, "only {} valid messages", files.len());
        for (kind, path) in files {
            let (_, judgement) = judge(&schemas, kind, &path);
            let broken: Vec<_> = judgement
                .violations
                .iter()
                .filter(|v| v.unmet != Unmet::Note)
                .collect();
            assert!(broken.is_empty(), "{}: {broken:#?}", path.display());
            assert!(
                !judgement.satisfied.is_empty(),
                "{} was judged by nothing",
                path.display()
            );
        }
    }
}

#[test]
fn invalid_messages_break_exactly_what_their_names_say() {
    for (schemas, _, least) in versions() {
        let mut wrong = Vec::new();
        let files = files(&schemas, "invalid");
        assert!(files.len() > least, "only {} invalid messages", files.len());
        for (kind, path) in files {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let (ids, what) = name
                .split_once("--")
                .unwrap_or_else(|| panic!("{name} names no requirement"));
            let expected: BTreeSet<&str> = ids.split('+').collect();
            let unmet = match what.split('-').next() {
                Some("warn") => Unmet::Warn,
                Some("note") => Unmet::Note,
                _ => Unmet::ByLevel,
            };
            let (message, judgement) = judge(&schemas, kind, &path);
            let counted = judgement.violations.iter().filter(|violation| {
                violation.unmet != Unmet::Note
                    || (unmet == Unmet::Note && expected.contains(violation.requirement.as_str()))
            });
            // A stricter violation may stand beside a milder one of the same requirement: the strictest counts.
            let mut found: BTreeMap<&str, Unmet> = BTreeMap::new();
            for violation in counted {
                let strictest = found.entry(&violation.requirement).or_insert(violation.unmet);
                *strictest = violation.unmet.min(*strictest);
                assert!(
                    message.pointer(&violation.pointer).is_some(),
                    "{name}: {violation:?} points nowhere"
                );
                assert!(
                    unmet == Unmet::Note || !judgement.satisfied.contains(&violation.requirement),
                    "{name}: {} is both satisfied and violated",
                    violation.requirement
                );
            }
            let wanted: BTreeMap<&str, Unmet> = expected.iter().map(|id| (*id, unmet)).collect();
            if found != wanted {
                wrong.push(format!("{}/{name}\n  found {:#?}", kind, judgement.violations));
            }
        }
        assert!(wrong.is_empty(), "{} files:\n{}", wrong.len(), wrong.join("\n"));
    }
}

#[test]
fn every_constraint_can_hold_and_fail() {
    for (schemas, ..) in versions() {
        let mut held = BTreeSet::new();
        for (kind, path) in files(&schemas, "valid") {
            held.extend(judge(&schemas, kind, &path).1.satisfied);
        }
        let mut failed = BTreeSet::new();
        for (kind, path) in files(&schemas, "invalid") {
            failed.extend(
                judge(&schemas, kind, &path)
                    .1
                    .violations
                    .into_iter()
                    .map(|v| v.requirement),
            );
        }
        let named: BTreeSet<RequirementId> = schemas.requirements().into_keys().collect();
        let never_held: Vec<_> = named.difference(&held).collect();
        let never_failed: Vec<_> = named.difference(&failed).collect();
        assert!(
            never_held.is_empty(),
            "no valid message satisfies {never_held:#?}"
        );
        assert!(
            never_failed.is_empty(),
            "no invalid message violates {never_failed:#?}"
        );
    }
}

#[test]
fn schemas_and_catalogue_name_the_same_requirements() {
    for (schemas, ..) in versions() {
        let catalogue = Catalogue::embedded().unwrap();
        let named = schemas.requirements();
        let unknown: Vec<_> = named
            .iter()
            .filter(|(id, _)| catalogue.get(schemas.version(), id).is_none())
            .collect();
        assert!(unknown.is_empty(), "not in the catalogue: {unknown:#?}");

        let of_version = |requirement: &&Requirement| requirement.version == schemas.version();
        let wrong: Vec<String> = catalogue
            .iter()
            .filter(of_version)
            .filter(|requirement| {
                (requirement.evidence == Some(Evidence::Message)) != named.contains_key(&requirement.id)
            })
            .map(|requirement| format!("{}: {:?}", requirement.id, requirement.evidence))
            .collect();
        assert!(
            wrong.is_empty(),
            "a schema or rule names a requirement exactly if its evidence is one message: {wrong:#?}"
        );
    }
}

#[test]
fn kinds_are_told_from_bare_messages() {
    for (schemas, ..) in versions() {
        for (kind, path) in files(&schemas, "valid") {
            let message: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let expected = match kind {
                MessageKind::UnsubscribeResponse => MessageKind::SubscriptionResponse,
                MessageKind::WebhookDenial if schemas.has(MessageKind::Denial) => MessageKind::Denial,
                kind => kind,
            };
            let found = schemas.detect(&message);
            // A published event and a notification have one shape, but where the version tells them apart.
            let either = [Some(MessageKind::Publication), Some(MessageKind::Notification)];
            if kind == MessageKind::Publication && either.contains(&found) {
                continue;
            }
            // That nothing is asked of the answer leaves nothing to tell it by.
            if message != json!({}) {
                assert_eq!(found, Some(expected), "{}", path.display());
            }
        }
    }
    assert_eq!(
        MessageKind::detect(&serde_json::json!({"resourceType": "Patient"})),
        None
    );
    assert_eq!(MessageKind::detect(&serde_json::json!([1])), None);
}

/// Every value in the message with its JSON pointer.
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
fn any_wrong_type_anywhere_is_judged_without_harm() {
    for (schemas, ..) in versions() {
        let wrong = [
            json!(null),
            json!([]),
            json!({}),
            json!(-1.5),
            json!(true),
            json!("*-\u{0}é/~0-open"),
            json!([[{"key": []}], null]),
        ];
        let mut judged = 0;
        for (kind, path) in files(&schemas, "valid") {
            let message: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let mut pointers = Vec::new();
            places(&message, String::new(), &mut pointers);
            // A share of all places keeps this short; over all files each place of each kind comes up.
            for pointer in pointers.iter().skip(path.as_os_str().len() % 5).step_by(5) {
                let mut broken = message.clone();
                *broken.pointer_mut(pointer).unwrap() = wrong[judged % wrong.len()].clone();
                judged += 1;
                let judgement = judge_value(&schemas, kind, &broken);
                for violation in judgement.violations {
                    assert!(
                        broken.pointer(&violation.pointer).is_some(),
                        "{violation:?} points nowhere in {broken}"
                    );
                    assert!(violation.message.len() < 500, "{violation:?} says too much");
                }
            }
        }
        assert!(judged > 150, "only {judged} messages");
    }
}

#[test]
fn a_context_is_judged_by_its_author() {
    let schemas = Schemas::load(Version::Stu3).unwrap();
    let event = json!({"hub.topic": "t", "hub.event": "syncerror", "context": []});
    for (author, id) in [
        (Sender::Hub, "syncerror.operationoutcome.hub"),
        (Sender::Subscriber, "syncerror.operationoutcome.subscriber"),
    ] {
        let judgement = schemas.judge_context_of(author, "SYNCERROR", &event);
        let broken: Vec<_> = judgement
            .violations
            .iter()
            .map(|v| v.requirement.as_str())
            .collect();
        assert_eq!(broken, [id]);
    }
    assert_eq!(
        schemas.judge_context("no-known-form", &event),
        Judgement::default()
    );
}

#[test]
fn what_was_not_applied_is_not_satisfied() {
    let schemas = Schemas::load(Version::Stu3).unwrap();
    let device_study = json!({"context": [{"key": "study", "resource": {
        "resourceType": "ImagingStudy", "id": "1", "status": "unknown", "subject": {"reference": "Device/1"},
        "identifier": [{"system": "urn:oid:2.999", "value": "1"}]}}]});
    let satisfied = schemas
        .judge_context("ImagingStudy-open", &device_study)
        .satisfied;
    assert!(
        satisfied.contains(&"imagingstudy-open.study".into()),
        "{satisfied:?}"
    );
    for vacuous in [
        "patient-open.identifier",
        "encounter-open.subject",
        "imagingstudy-open.study-instance-uid-form",
        "imagingstudy-open.patient-of-study",
    ] {
        assert!(
            !satisfied.contains(&vacuous.into()),
            "{vacuous} was not applied: {satisfied:?}"
        );
    }
}

#[test]
fn a_version_has_its_own_kinds_of_messages() {
    let kinds = |version| Schemas::load(version).unwrap().kinds().collect::<Vec<_>>();
    let webhooks = [MessageKind::IntentVerification, MessageKind::WebhookDenial];
    for (version, count, has_webhooks, has_current) in [
        (Version::Stu1, 6, true, false),
        (Version::Stu2, 12, true, false),
        (Version::Stu3, 12, false, true),
    ] {
        let supported = kinds(version);
        assert_eq!(supported.len(), count, "{version}: {supported:?}");
        assert!(
            webhooks
                .iter()
                .all(|kind| supported.contains(kind) == has_webhooks)
        );
        assert_eq!(supported.contains(&MessageKind::CurrentContext), has_current);
        for folder in ["valid", "invalid"] {
            let path = Path::new(ROOT)
                .join("tests/messages")
                .join(folder_of(version))
                .join(folder);
            for entry in fs::read_dir(path).unwrap() {
                let name = entry.unwrap().file_name();
                assert!(
                    supported.iter().any(|kind| name == kind.name()),
                    "{version} has no {name:?}"
                );
            }
        }
    }
    let stu2 = Schemas::load(Version::Stu2).unwrap();
    let current = json!({"context.type": "", "context": []});
    assert_eq!(stu2.detect(&current), None);
    assert_eq!(
        stu2.judge(MessageKind::CurrentContext, &current),
        Judgement::default()
    );
}

#[test]
fn what_two_versions_share_is_judged_by_one_file() {
    let stu2 = Schemas::load(Version::Stu2).unwrap();
    let judgement = stu2.judge(MessageKind::Denial, &json!({"hub.mode": "denied"}));
    assert!(
        judgement
            .violations
            .iter()
            .all(|violation| violation.schema.starts_with("schemas/stu3/denial.json#"))
    );
    assert!(
        !stu2.requirements().contains_key("current.object"),
        "what is not referred to is not loaded"
    );
}

/// `cargo test --release --test schema_messages -- --ignored --nocapture` prints how long loading and judging take.
#[test]
#[ignore = "measures"]
fn time_to_load_and_judge() {
    let started = std::time::Instant::now();
    let schemas = Schemas::load(Version::Stu3).unwrap();
    let loading = started.elapsed();
    let files = files(&schemas, "valid");
    let started = std::time::Instant::now();
    for (kind, path) in &files {
        assert!(!judge(&schemas, *kind, path).1.satisfied.is_empty());
    }
    let judging = started.elapsed() / u32::try_from(files.len()).unwrap();
    println!("loading {loading:?}, reading and judging one message {judging:?}");
}
