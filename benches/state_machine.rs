//! The hub's heart alone: what an event costs without sockets.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a measurement that cannot go on has nothing to tell"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use castspec_fhircast::protocol::{Notification, SubscriptionRequest, Version, parse_events};
use castspec_hub::session::{Output, Session, SubscriberId};
use castspec_hub::{CountedIdentifiers, Limits, Now};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn now(milliseconds: u64) -> Now {
    Now {
        elapsed: Duration::from_millis(milliseconds),
        wall: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn session(subscribers: usize) -> (Session, Vec<SubscriberId>) {
    let limits = Arc::new(Limits::default());
    let identifiers = Box::new(CountedIdentifiers::default());
    let mut session = Session::new("t", Version::Stu3, limits, identifiers);
    let ids = (0..subscribers)
        .map(|_| {
            let events = parse_events("Patient-open,Patient-close,SyncError").unwrap();
            let request = SubscriptionRequest::subscribe("t", events);
            let endpoint = session.request(&request, None, now(0)).unwrap();
            session.connect(&endpoint, now(0)).unwrap()
        })
        .collect();
    while session.poll_output().is_some() {}
    (session, ids)
}

fn event() -> String {
    let event = |padding: &str| {
        format!(
            r#"{{"timestamp":"2026-03-01T09:30:00.000Z","id":"e","event":{{"hub.topic":"t","hub.event":"Patient-open","context":[{{"key":"patient","resource":{{"resourceType":"Patient","id":"p","identifier":[{{"value":"{padding}"}}]}}}}]}}}}"#
        )
    };
    event(&"x".repeat(1_024 - event("").len()))
}

/// An event of 1 KB: read, distributed to all, and answered by all.
fn publish(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("publish and answer, 1 KB");
    let text = event();
    for subscribers in [1_usize, 10, 100, 1_000] {
        let (mut session, ids) = session(subscribers);
        group.throughput(Throughput::Elements(subscribers as u64));
        group.bench_with_input(
            BenchmarkId::from_parameter(subscribers),
            &subscribers,
            |bencher, _| {
                bencher.iter(|| {
                    let notification = Notification::parse(black_box(&text)).unwrap();
                    session.publish(notification, now(1)).unwrap();
                    while let Some(output) = session.poll_output() {
                        assert!(matches!(black_box(output), Output::Deliver { .. }));
                    }
                    for id in &ids {
                        session.receive(*id, r#"{"id":"e","status":200}"#, now(2));
                    }
                });
            },
        );
    }
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let text = event();
    criterion.bench_function("read a notification of 1 KB", |bencher| {
        bencher.iter(|| Notification::parse(black_box(&text)).unwrap());
    });
    let notification = Notification::parse(&text).unwrap();
    criterion.bench_function("write a notification of 1 KB", |bencher| {
        bencher.iter(|| black_box(&notification).to_text());
    });
}

criterion_group!(benches, publish, read);
criterion_main!(benches);
