//! The schemas alone: loading them, and judging single messages by them; and the same of base FHIR R4.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement that cannot go on has nothing to tell"
)]

use std::hint::black_box;
use std::path::Path;

use castspec_fhircast::fhir::Validator;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::schema::{MessageKind, Schemas};
use castspec_runner::scenario::{Templates, new_case};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::Value;

/// The first of the valid messages of a kind that the tests hold.
fn message(kind: MessageKind) -> Value {
    let folder = Path::new("tests/messages/stu3/valid").join(kind.name());
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    serde_json::from_str(&std::fs::read_to_string(&files[0]).unwrap()).unwrap()
}

fn schemas(criterion: &mut Criterion) {
    criterion.bench_function("load the schemas of STU3", |bench| {
        bench.iter(|| Schemas::load(black_box(Version::Stu3)).unwrap());
    });
    let schemas = Schemas::load(Version::Stu3).unwrap();
    for kind in [
        MessageKind::Confirmation,
        MessageKind::Acknowledgement,
        MessageKind::Notification,
    ] {
        let message = message(kind);
        criterion.bench_function(&format!("judge a {}", kind.name()), |bench| {
            bench.iter(|| schemas.judge(kind, black_box(&message)));
        });
    }
    let notification = message(MessageKind::Notification);
    let name = notification["event"]["hub.event"].as_str().unwrap();
    criterion.bench_function(&format!("judge the context of {name}"), |bench| {
        bench.iter(|| schemas.judge_context(name, black_box(&notification["event"])));
    });
}

/// The resource of the template for this event.
fn resource(event: &str) -> Value {
    let mut count = 0;
    let case = new_case(|| {
        count += 1;
        format!("00000000-0000-4000-8000-{count:012}")
    });
    let context = Templates::embedded()
        .unwrap()
        .context(Version::Stu3, &event.parse().unwrap(), &case)
        .unwrap();
    context[0]["resource"].clone()
}

fn base_fhir(criterion: &mut Criterion) {
    criterion.bench_function("load base FHIR R4", |bench| {
        bench.iter(|| Validator::load().unwrap());
    });
    let validator = Validator::load().unwrap();
    let patient = resource("Patient-open");
    assert!(validator.validate(&patient).is_empty());
    criterion.bench_function("validate a Patient by base FHIR R4", |bench| {
        bench.iter(|| validator.validate(black_box(&patient)));
    });
    let mut wrong = patient;
    wrong["gender"] = "F".into();
    assert_eq!(validator.validate(&wrong).len(), 1);
    criterion.bench_function("find what is wrong with a Patient", |bench| {
        bench.iter(|| validator.validate(black_box(&wrong)));
    });
}

criterion_group!(benches, schemas, base_fhir);
criterion_main!(benches);
