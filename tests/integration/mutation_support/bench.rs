//! What is tested: the rules of one file, the valid messages of the versions that they are for, and their schemas.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::schema::{Judgement, Schemas};
use serde_json::Value;

use super::rule::{Message, Rules};

const MESSAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages");

/// The schemas of every version.
pub static SCHEMAS: LazyLock<BTreeMap<Version, Schemas>> = LazyLock::new(|| {
    let versions = [Version::Stu1, Version::Stu2, Version::Stu3];
    versions
        .map(|version| (version, Schemas::load(version).unwrap()))
        .into()
});

/// Rules, and the valid messages that they change.
pub struct Bench {
    pub rules: Rules,
    pub versions: &'static [Version],
    pub valid: Vec<Message>,
    /// The least numbers of mutants: with some values of each rule at each place, and with all.
    pub mutants: (usize, usize),
    /// The least number of variants.
    pub variants: usize,
    /// The least number of constraints that the schemas have.
    pub constraints: usize,
}

/// All rules.
pub static BENCHES: LazyLock<[Bench; 2]> = LazyLock::new(|| {
    [
        Bench {
            rules: rules("stu3/mutations.yaml"),
            versions: &[Version::Stu3],
            valid: valid(&[Version::Stu3]),
            mutants: (4000, 13_000),
            variants: 100,
            constraints: 300,
        },
        Bench {
            rules: rules("mutations-of-stu1-and-stu2.yaml"),
            versions: &[Version::Stu1, Version::Stu2],
            valid: valid(&[Version::Stu1, Version::Stu2]),
            mutants: (4000, 10_000),
            variants: 1000,
            constraints: 200,
        },
    ]
});

fn rules(file: &str) -> Rules {
    Rules::read(&fs::read_to_string(Path::new(MESSAGES).join(file)).unwrap())
}

fn valid(versions: &[Version]) -> Vec<Message> {
    let mut messages = Vec::new();
    for version in versions {
        for kind in SCHEMAS[version].kinds() {
            let folder = Path::new(MESSAGES)
                .join(folder_of(*version))
                .join("valid")
                .join(kind.name());
            let mut paths: Vec<_> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .collect();
            paths.sort();
            messages.extend(paths.into_iter().map(|path| Message {
                version: *version,
                kind,
                file: path.file_stem().unwrap().to_str().unwrap().to_owned(),
                value: serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
            }));
        }
    }
    messages
}

/// The name of a version's folder.
pub fn folder_of(version: Version) -> String {
    version.name().to_lowercase()
}

/// Judges what became of a message.
pub fn judge(message: &Message, value: &Value) -> Judgement {
    let schemas = &SCHEMAS[&message.version];
    let judgement = schemas.judge(message.kind, value);
    let Some(event) = value.get("event") else {
        return judgement;
    };
    let name = event.get("hub.event").and_then(Value::as_str).unwrap_or_default();
    judgement.join(
        schemas.judge_context_of(message.kind.sender(), name, event),
        "/event",
    )
}
