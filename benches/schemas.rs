//! The schemas alone: loading them, and judging single messages by them.

#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a measurement that cannot go on has nothing to tell"
)]

use std::hint::black_box;
use std::path::Path;

use castspec::protocol::Version;
use castspec::schema::{MessageKind, Schemas};
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

criterion_group!(benches, schemas);
criterion_main!(benches);
